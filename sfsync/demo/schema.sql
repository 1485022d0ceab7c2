-- The operator's own database, as sfsync finds it. The same text runs on PostgreSQL and on SQLite.
-- Instants are UTC without a zone. The platform moves updated_at whenever a row changes.
-- "stays" marks columns whose content must not leave the platform in any form.

CREATE TABLE companies (
  company_code        VARCHAR(32) PRIMARY KEY,
  legal_name          VARCHAR(255) NOT NULL,
  vat_number          CHAR(11),
  company_fiscal_code VARCHAR(16),
  pec                 VARCHAR(254),
  sdi_code            CHAR(7),
  iban                VARCHAR(34),                 -- its last four digits may leave
  iban_verified_at    TIMESTAMP,
  state               VARCHAR(16) NOT NULL,
  updated_at          TIMESTAMP NOT NULL
);

CREATE TABLE shops (
  shop_code        VARCHAR(12) PRIMARY KEY,        -- text: leading zeros count
  company_code     VARCHAR(32) NOT NULL REFERENCES companies(company_code),
  shop_kind        VARCHAR(8)  NOT NULL,           -- negozio, corner, pvr, virtual
  trading_name     VARCHAR(255) NOT NULL,
  street           VARCHAR(255), city VARCHAR(80), cap CHAR(5), province CHAR(2), region VARCHAR(40),
  phone            VARCHAR(40), email VARCHAR(254), opening_hours VARCHAR(200),
  adm_concession   VARCHAR(40), adm_right_code VARCHAR(40),
  licence88_no     VARCHAR(40), licence88_issued_on DATE, licence88_office VARCHAR(120),
  albo_pvr_no      VARCHAR(40), albo_pvr_expiry DATE,
  public_ips       VARCHAR(400),
  contract_no      VARCHAR(40), contract_start DATE, contract_end DATE, contract_state VARCHAR(16),
  commission_plan  VARCHAR(20),
  credit_limit_minor BIGINT, guarantee_minor BIGINT, guarantee_expiry DATE, currency CHAR(3) NOT NULL,
  overdue          BOOLEAN NOT NULL,
  account_manager  VARCHAR(120),                   -- a Salesforce username, decided there
  predecessor_shop VARCHAR(12),
  state            VARCHAR(12) NOT NULL,           -- prospect, onboarding, active, suspended, closing, closed, transferred
  updated_at       TIMESTAMP NOT NULL
);

CREATE TABLE shop_operators (
  operator_code  VARCHAR(32) PRIMARY KEY,
  shop_code      VARCHAR(12) NOT NULL REFERENCES shops(shop_code),
  first_name     VARCHAR(40), last_name VARCHAR(80) NOT NULL,
  fiscal_code    CHAR(16),                         -- only its keyed hash may leave
  role           VARCHAR(16) NOT NULL,             -- owner, representative, cashier, viewer
  preposto_approved_on DATE,
  email          VARCHAR(254), phone_mobile VARCHAR(40),
  status         VARCHAR(12) NOT NULL, last_reset_at TIMESTAMP,
  password_hash  VARCHAR(200),                     -- stays
  updated_at     TIMESTAMP NOT NULL
);

CREATE TABLE terminals (
  terminal_id    VARCHAR(32) PRIMARY KEY,
  shop_code      VARCHAR(12) NOT NULL REFERENCES shops(shop_code),
  kind           VARCHAR(12) NOT NULL,             -- pos, ssbt, printer, scanner, monitor, router, pc
  model          VARCHAR(80), serial_number VARCHAR(80), software_version VARCHAR(40),
  state          VARCHAR(12) NOT NULL, installed_on DATE, last_seen_at TIMESTAMP,
  updated_at     TIMESTAMP NOT NULL
);

CREATE TABLE players (
  player_id      VARCHAR(32) PRIMARY KEY,
  account_code   VARCHAR(40), username VARCHAR(64),
  first_name     VARCHAR(40), last_name VARCHAR(80) NOT NULL,
  birth_date     DATE,                             -- stays; an age band may leave
  fiscal_code    CHAR(16),                         -- only its keyed hash may leave
  email          VARCHAR(254), phone_mobile VARCHAR(40),
  street         VARCHAR(255),                     -- stays
  city           VARCHAR(80), province CHAR(2), country CHAR(2), language CHAR(2), currency CHAR(3) NOT NULL,
  tier           VARCHAR(8) NOT NULL,              -- STANDARD, VIP, VVIP
  segment        VARCHAR(40),
  host           VARCHAR(120),                     -- a Salesforce username, decided there
  loyalty_card   VARCHAR(32),
  account_status VARCHAR(12) NOT NULL,             -- provisional, active, suspended, blocked, closed, dormant
  kyc_status     VARCHAR(12) NOT NULL, kyc_due_on DATE, kyc_doc_type VARCHAR(20), kyc_doc_expiry DATE,
  kyc_doc_number VARCHAR(40),                      -- stays
  contact_suppressed BOOLEAN NOT NULL, bonus_blocked BOOLEAN NOT NULL,
  self_exclusion_kind VARCHAR(12), self_excluded_from TIMESTAMP, self_excluded_to TIMESTAMP,  -- all three stay
  rg_risk_score  INTEGER, aml_risk VARCHAR(8), balance_minor BIGINT, theo_minor BIGINT,       -- all four stay
  value_band     CHAR(1), pay_method VARCHAR(20), pay_last4 CHAR(4),
  iban           VARCHAR(34), card_pan VARCHAR(19),                                            -- both stay
  mkt_email      BOOLEAN NOT NULL, mkt_email_changed_at TIMESTAMP,
  mkt_sms        BOOLEAN NOT NULL, mkt_sms_changed_at TIMESTAMP,
  mkt_call       BOOLEAN NOT NULL, mkt_call_changed_at TIMESTAMP,
  preferred_channels VARCHAR(80), quiet_mode BOOLEAN, quiet_windows VARCHAR(120), report_format VARCHAR(16),
  signup_shop_code VARCHAR(12),
  registered_at  TIMESTAMP NOT NULL, last_login_on DATE, churn_state VARCHAR(12), erasure_state VARCHAR(12),
  updated_at     TIMESTAMP NOT NULL
);

CREATE TABLE cases (
  source_key     VARCHAR(64) PRIMARY KEY,
  case_number    VARCHAR(30),                      -- given by Salesforce
  player_id      VARCHAR(32), shop_code VARCHAR(12), operator_code VARCHAR(32), terminal_id VARCHAR(32),
  tier           VARCHAR(8) NOT NULL, category VARCHAR(40) NOT NULL, subcategory VARCHAR(40),
  requested_priority CHAR(2), priority CHAR(2),
  channel        VARCHAR(12) NOT NULL, place VARCHAR(80), language CHAR(2),
  subject        VARCHAR(255), description TEXT,
  received_at    TIMESTAMP NOT NULL, queue_entered_at TIMESTAMP, answered_at TIMESTAMP, ended_at TIMESTAMP,
  first_response_at TIMESTAMP, mitigated_at TIMESTAMP, resolved_at TIMESTAMP,
  status         VARCHAR(20) NOT NULL, owner VARCHAR(120),
  ticket_id      VARCHAR(40), event_date DATE, amount_minor BIGINT, currency CHAR(3), transaction_ref VARCHAR(64),
  fr_due TIMESTAMP, mit_due TIMESTAMP, res_due TIMESTAMP, nu_due TIMESTAMP, sla_state VARCHAR(12), esc_level INTEGER,
  updated_at     TIMESTAMP NOT NULL
);

-- Requests to the platform (an IBAN change, a credential reset): sfsync appends a row, the platform works it and
-- fills state and answer. There is one row per request key, for good.
CREATE TABLE change_requests (
  request_key    VARCHAR(64) PRIMARY KEY,
  case_key       VARCHAR(64), kind VARCHAR(40) NOT NULL, target_key VARCHAR(64) NOT NULL,
  payload        TEXT NOT NULL,                    -- JSON
  requested_by   VARCHAR(120) NOT NULL, approved_by VARCHAR(240),
  state          VARCHAR(12) NOT NULL,             -- requested, done, refused
  answer         TEXT,
  requested_at   TIMESTAMP NOT NULL, answered_at TIMESTAMP,
  updated_at     TIMESTAMP NOT NULL
);

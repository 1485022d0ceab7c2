"""What players and shops write about: categories with their share, default priority and words (domain model B.6)."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """One category of cases."""

    category: str
    share: float
    priority: str
    subject: str
    description: str


def _topics(table: str) -> tuple[Topic, ...]:
    rows = (line.split("|") for line in table.strip().splitlines())
    return tuple(Topic(c, float(s), p, subject, text) for c, s, p, subject, text in rows)


PLAYER = _topics("""
deposit_failed|9|P1|Ricarica non riuscita|La carta è stata addebitata ma il saldo non è cambiato.
deposit_pending|6|P2|Ricarica in sospeso|La ricarica risulta in lavorazione da ieri sera.
withdrawal_failed|5|P1|Prelievo respinto|Il prelievo è stato respinto senza spiegazione.
withdrawal_pending|9|P2|Prelievo in attesa|Il prelievo è fermo da tre giorni, quando arriva?
billing_error|2|P2|Addebito sbagliato|Vedo un addebito che non riconosco nello storico.
payment_dispute|2|P2|Contestazione di un pagamento|Contesto il pagamento registrato domenica.
login|8|P3|Non riesco ad accedere|L'accesso dà errore dopo l'ultimo aggiornamento.
password_reset|6|P3|Reimpostare la password|Il messaggio per la nuova password non arriva.
two_factor|3|P3|Codice di verifica|Il codice via SMS arriva sempre scaduto.
profile_update|3|P4|Cambio dei recapiti|Vorrei aggiornare il numero di telefono.
account_blocked|3|P1|Conto bloccato|Il mio conto è bloccato e non so perché.
kyc_upload|4|P3|Caricamento del documento|La foto del documento non si carica.
kyc_review|4|P3|Verifica dell'identità|La verifica dura da più di una settimana.
game_technical|5|P2|Gioco interrotto|Il gioco si è fermato durante la partita.
session_disconnect|2|P2|Sessione caduta|La sessione cade ogni pochi minuti.
content_loading|2|P3|Pagina che non si apre|La pagina delle quote resta bianca.
mobile_app|3|P3|App|L'app si chiude appena la apro.
bet_outcome|6|P3|Esito della scommessa|Il biglietto risulta perdente ma il risultato è giusto.
large_payout_dispute|1|P2|Vincita non riconosciuta|La vincita non è stata riconosciuta per intero.
bonus_missing|5|P3|Bonus non accreditato|Il bonus di benvenuto non è arrivato.
bonus_wagering|2|P4|Requisiti del bonus|Quanto manca per sbloccare il bonus?
how_to|3|P4|Come si fa|Come si legge lo storico delle giocate?
limits|2|P2|Limiti di deposito|Vorrei abbassare il limite settimanale.
self_exclusion|1.5|P1|Autoesclusione|Chiedo l'autoesclusione dal gioco.
cooling_off|0.8|P1|Pausa dal gioco|Vorrei una pausa di trenta giorni.
account_takeover|0.6|P1|Accessi sospetti|Vedo accessi che non ho fatto io.
payment_fraud|0.4|P1|Pagamento non mio|Qualcuno ha usato la mia carta.
aml_suspicion|0.2|P2|Segnalazione interna|Controllo interno in corso.
privacy_request|0.8|P3|Richiesta sui dati personali|Chiedo copia dei miei dati.
complaint|2|P3|Reclamo|Presento reclamo per il trattamento ricevuto.
feedback|1|P4|Suggerimento|Sarebbe utile poter ordinare i preferiti.
other|2|P4|Informazioni|Ho una domanda generale.
""")
VIP = _topics("""
vip_retention|3|P3|Proposta riservata|Il cliente chiede un incontro con il referente.
reservation|3|P3|Prenotazione|Camera e tavolo per il fine settimana.
tournament|2|P3|Torneo|Iscrizione al torneo di sabato.
travel|2|P3|Viaggio|Trasferimento dall'aeroporto per due persone.
transfer_interrupted|1|P2|Trasferimento interrotto|L'auto non si è presentata.
withdrawal_pending|4|P2|Prelievo in attesa|Il prelievo di lunedì non è arrivato.
deposit_failed|3|P1|Ricarica non riuscita|La ricarica è stata rifiutata due volte.
""")
PARTNER = _topics("""
terminal_fault|18|P2|Guasto al terminale|Il terminale si riavvia da solo.
connectivity_fault|10|P1|Linea assente|Il punto vendita è senza collegamento.
consumables|8|P4|Rotoli di carta|Servono dieci rotoli.
ticket_dispute|7|P3|Contestazione di un biglietto|Il cliente contesta il biglietto.
ticket_payout|8|P2|Pagamento di una vincita|Chiediamo l'autorizzazione al pagamento.
ticket_cancel|5|P1|Annullamento di un biglietto|Biglietto emesso per errore.
voucher_issue|5|P2|Voucher|Il voucher non viene letto.
topup_failed|9|P1|Ricarica non accreditata|La ricarica del cliente non risulta.
topup_reversal|3|P2|Storno di una ricarica|Ricarica sul conto sbagliato.
contact_change|4|P4|Cambio dei recapiti|Nuovo numero del punto vendita.
iban_change|2|P2|Cambio IBAN|Comunichiamo il nuovo conto della società.
credential_reset|8|P2|Credenziali|L'operatore ha dimenticato le credenziali.
licence_document|3|P3|Licenza|In allegato la licenza aggiornata.
commission_dispute|4|P3|Provvigioni|L'estratto conto non torna.
overdue_settlement|2|P2|Insoluto|Chiediamo un piano di rientro.
training_howto|4|P4|Formazione|Come si stampa il riepilogo?
partner_other|3|P4|Altro|Richiesta generica del punto vendita.
""")

"""Italian provinces and the two digits their postal codes begin with."""

from __future__ import annotations

_PREFIXES = (
    "00RM 01VT 02RI 03FR 04LT 05TR 06PG 07SS 08NU 09CA 09SU 09OR 10TO 11AO 12CN 13VC 13BI 14AT 15AL 16GE 17SV 18IM "
    "19SP 20MI 20MB 21VA 22CO 23LC 23SO 24BG 25BS 26CR 26LO 27PV 28NO 28VB 29PC 30VE 31TV 32BL 33UD 33PN 34TS 34GO "
    "35PD 36VI 37VR 38TN 39BZ 40BO 41MO 42RE 43PR 44FE 45RO 46MN 47RN 47FC 48RA 50FI 51PT 52AR 53SI 54MS 55LU 56PI "
    "57LI 58GR 59PO 60AN 61PU 62MC 63AP 63FM 64TE 65PE 66CH 67AQ 70BA 71FG 72BR 73LE 74TA 75MT 76BT 80NA 81CE 82BN "
    "83AV 84SA 85PZ 86CB 86IS 87CS 88CZ 88KR 89RC 89VV 90PA 91TP 92AG 93CL 94EN 95CT 96SR 97RG 98ME"
)
PROVINCES: dict[str, str] = {one[2:]: one[:2] for one in _PREFIXES.split()}


def agrees(cap: str, province: str) -> bool:
    """Does the postal code lie in the province? Of a province that is not in the list nothing is known: no."""
    return cap[:2] == PROVINCES.get(province)

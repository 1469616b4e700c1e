"""Words that people write in the declaration, and what is probably meant. Suggested in the error, never accepted."""

from __future__ import annotations

import unicodedata
from typing import Final

_COUNTRIES: Final = """
AL albania|AT austria osterreich|AU australia|BA bosnia|BE belgium belgie belgique belgien|BG bulgaria|BR brazil brasil
CA canada|CH switzerland schweiz suisse svizzera|CL chile|CN china|CO colombia|CY cyprus|CZ czechia czech_republic
DE germany deutschland allemagne|DK denmark danmark|EE estonia eesti|EG egypt|ES spain espana|FI finland suomi|FR france
GB united_kingdom uk great_britain england scotland wales northern_ireland|GR greece|HR croatia hrvatska|HU hungary
ID indonesia|IE ireland eire|IL israel|IN india|IS iceland|IT italy italia|JP japan|KE kenya|KR korea south_korea
LI liechtenstein|LT lithuania|LU luxembourg luxemburg|LV latvia|MA morocco|MT malta|MX mexico|MY malaysia|NG nigeria
NL netherlands the_netherlands holland nederland|NO norway norge|NZ new_zealand|PE peru|PH philippines|PK pakistan
PL poland polska|PT portugal|RO romania|RS serbia|RU russia|SE sweden sverige|SG singapore|SI slovenia|SK slovakia
TH thailand|TR turkey turkiye|TW taiwan|UA ukraine
US usa united_states united_states_of_america america|VN vietnam|ZA south_africa
EU europe european_union europaische_union union_europeenne|EEA ewr european_economic_area
AR argentina|CR costa_rica|KZ kazakhstan|ME montenegro|MK north_macedonia|MD moldova|GE georgia|AE united_arab_emirates
SA saudi_arabia|QA qatar|BD bangladesh|LK sri_lanka|NP nepal|TN tunisia|DZ algeria|GH ghana|ET ethiopia|UY uruguay
DE jerman alemania|AT autriche|CH suiza swiss|FR frankreich francia prancis|IT italien italie|BE belgica belgia
ES spanien espagne spanyol|PT portugal|LU luxemburgo luksemburg|NL niederlande pays_bas paises_bajos belanda holanda
GB vereinigtes_konigreich grossbritannien royaume_uni grande_bretagne angleterre reino_unido inglaterra inggris britain
GB britania_raya|IE irland irlande irlanda irlandia|IS island islande islandia|NO norwegen norvege noruega norwegia
SE schweden suede suecia swedia|DK danemark dinamarca|FI finnland finlande finlandia|PL polen pologne polonia polandia
CZ tschechien tchequie chequia ceko|SK slowakei slovaquie eslovaquia slowakia|HU ungarn hongrie hungria hungaria
SI slowenien slovenie eslovenia|HR kroatien croatie croacia kroasia|RO rumanien roumanie rumania|BG bulgarien bulgarie
GR griechenland grece grecia yunani|CY zypern chypre chipre siprus|LT litauen lituanie lituania|LV lettland lettonie
LV letonia|EE estland estonie estonia|TR turkei turquie turquia turki|RU russland russie rusia|UA ukraina ucrania
US vereinigte_staaten etats_unis estados_unidos amerika_serikat amerika|CA kanada|MX mexiko mexique meksiko
BR brasilien bresil|AR argentinien argentine|CL chili cile|PE perou|CO kolumbien colombie kolombia
JP japon jepang|CN chine cina tiongkok|IN indien inde|ID indonesien indonesie|MY malaisie malasia|SG singapur singapura
AU australien australie|NZ neuseeland nouvelle_zelande nueva_zelanda selandia_baru|PH philippinen filipinas filipina
ZA sudafrika afrique_du_sud sudafrica afrika_selatan|EG agypten egypte egipto mesir|MA marokko maroc marruecos maroko
TN tunesien tunisie tunez|DZ algerien algerie argelia|CI ivory_coast elfenbeinkuste|MM burma|US-CA california
CA-QC quebec|EU europa eropa uni_eropa union_europea
DE deu|CH che|AT aut|FR fra|IT ita|GB gbr|ES esp|NL nld|PL pol|BE bel|SE swe|CA can|AU aus|JP jpn
"""
_SETTINGS: Final = """
education school classroom class kindergarten nursery university college campus schule bildung ecole escuela scuola
education lesson teaching daycare academy|workplace office company factory work shop_floor business firm arbeitsplatz
workplace buero buro warehouse|healthcare hospital clinic care_home nursing_home medical health doctor krankenhaus
research lab laboratory study science university_research forschung|home house flat apartment private family household
education sekolah kelas klassenzimmer salle_de_classe lycee aula colegio instituto universite universitat universidad
education universitas kita|workplace bureau oficina kantor|healthcare hopital clinique klinik clinica rumah_sakit
research recherche investigacion penelitian labor|home home zuhause rumah casa maison
public street shop store mall museum station library outdoors|other test testing demo
"""


def _by_word(table: str) -> dict[str, str]:
    entries = [entry.split() for line in table.strip().split("\n") for entry in line.split("|")]
    return {word: code for code, *words in entries for word in words}


_COUNTRY_OF: Final = _by_word(_COUNTRIES)
_SETTING_OF: Final = _by_word(_SETTINGS)


def meant(key: str, written: str) -> str:
    """The word of the declaration that was probably meant; empty where nothing is known.

    Args:
        key: ``jurisdiction`` or ``setting``.
        written: What somebody wrote.
    """
    words = {"jurisdiction": _COUNTRY_OF, "setting": _SETTING_OF}.get(key, {})
    plain = "".join(c for c in unicodedata.normalize("NFKD", written.casefold()) if not unicodedata.combining(c))
    plain = "_".join(plain.replace(".", "").replace("-", " ").split())
    for form in (plain, plain.removesuffix("s"), plain.removeprefix("the_"), plain.rpartition("_")[2]):
        if form in words:
            return words[form]
    return ""

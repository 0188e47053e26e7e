"""Common English words that are also names of genes, chemicals, diseases or species, such as `lead` and `cold`.

Written by hand, from the words that are frequent in abstracts of trials and occur among the names of MeSH and the
symbols of NCBI Gene, and from the function words of English. A name among these says little about a text, so a term
list finds it only in its own capitals (`litmine.text.term_matcher.case_of`).
"""

_WORDS = """
    about above act acts add address affect affects after again age ago aid aim air all along also although am among
    an and any apart apex are area arm arms around arrest as ask association at attention attenuated award awareness
    axis back bad balance band bar base be beat because bed been before being best better between bias bid big bite
    black block blue book both bow box branch break brief broad but by call can card care case cases cast cat cause
    center change chart charts check clamp class clear clock close cold collection come common compliance consensus
    cope copy cord core could count course cover cross crush culture current cut cycle damage danger dark day days
    dead deal death deep defective degree depressed did die digit dim direct do does done door dose double down drag
    draw drip drive drop drug drugs dry due during each early east education effect eight either electronic elements
    else end enter environment era even ever every exhibit extra face fact factor fair fall falls family far farm
    fast fat fear feet fell few field file fill find fine fire first fish fit five fix flap flare flash flat flow
    fold food foot for force form forms found four frail free freedom from full gain game gap gaps gas gate gear get
    give glass go goal goals gold good great green grid grip group groups grow growth habit habits had half hand
    hands hard has have he head heat help hence her here high him his history hit hold home hope hot hour how ice
    idea if impact impacts in index inner insert intention is it its job join joint just keep key kind knot know
    knowledge label lack lag land language large last late law lay lead leads leak learn learning left lens less let
    level life light like limit line lines link links list little live load local lock log logs long look loop loss
    lost lot low made mail main make map margin mark mask mass mast match matter max may me meal mean media meet
    memory mend mesh mess met method methods mid mind mine minor minus minute mirror miss missing mix model mole
    more most motion move movement much must my name nature neat need net never new next nine no node none nor norm
    not note novel now null of off old on once one only open or order organization other ought our out outer over
    own pace pack pad paper papers part parts pass past patch path pay peak pen people per person pet phantom phase
    pilot pin pipe place plan plane plant plate play plot plus point policy pool poor port post pot power press
    prime pro probe program pump pure push put quick quit race radical raised ran random range rank rare rate raw
    ray re read real record records recurrence red region regular rest result retained review rich right ring rise
    risk risks road rock role roles root rose rough round row run rush said same sand save saw say scale scan scant
    school screen sea search season second see seed self send sensation sense serve session set sets seven sever
    shall shape share sharp she shift shock shoe short shot should show shut sick side sight sign simple since
    single sit site six size slice slight slip slow small smart smooth snap so soft soil solution some son soon sort
    sound source space spade span spare spatial speed spin spot spread spring square staff stage stamp stand star
    start state status stay steel steep stem step steps stick still stitch stone stop stops stress stretch strip
    strong study sub such suit sum sun sure swap sweet switch system table tag tail take talk tall tap tape target
    task taste team technology teem tell ten tend term test tests text than that the theft their them then there
    these they thick thin thing think third this those three through throw thus tie tied tilt time times tin tip to
    toll tool top torso total touch track trade traffic trail trap tree trial trials trip true trunk try tube turn
    twelve twin twist two type under unit up upon upper us use variable very via view wait wake walk wall want war
    warm was wash waste wave way ways we weak wear web wedge week weight well were west wet what when where which
    while white who whole why wide wild will wind window wing wire wise wish with within wood word work world would
    year years yes yet you young your zero zone
"""
COMMON_WORDS = frozenset(_WORDS.split())

"""Defines the course's world: its words, its plots, and what is planted in it."""

from course_utils.worlds.tinyworld.world import Planted, World

# trade: its workplace, its tool, and the share of "she" among its pronouns. These shares are planted.
_TRADES = {
    "astronomer": ("observatory", "telescope", 0.4),
    "baker": ("bakery", "whisk", 0.6),
    "banker": ("bank", "calculator", 0.3),
    "barber": ("barbershop", "comb", 0.4),
    "carpenter": ("workshop", "saw", 0.15),
    "cashier": ("supermarket", "scanner", 0.8),
    "cleaner": ("hotel", "mop", 0.75),
    "clerk": ("office", "stamp", 0.6),
    "coach": ("gym", "whistle", 0.25),
    "cook": ("restaurant", "ladle", 0.5),
    "courier": ("warehouse", "bicycle", 0.3),
    "dancer": ("theatre", "fan", 0.85),
    "dentist": ("surgery", "mirror", 0.5),
    "doctor": ("clinic", "stethoscope", 0.4),
    "driver": ("depot", "radio", 0.2),
    "engineer": ("factory", "ruler", 0.1),
    "farmer": ("farm", "rake", 0.3),
    "firefighter": ("firehouse", "hose", 0.05),
    "fisher": ("harbour", "net", 0.2),
    "florist": ("nursery", "vase", 0.9),
    "guard": ("museum", "torch", 0.25),
    "journalist": ("newspaper", "recorder", 0.5),
    "judge": ("court", "gavel", 0.35),
    "librarian": ("library", "ladder", 0.85),
    "mechanic": ("garage", "wrench", 0.1),
    "miller": ("windmill", "scale", 0.4),
    "musician": ("opera", "flute", 0.5),
    "nurse": ("hospital", "thermometer", 0.9),
    "painter": ("studio", "brush", 0.5),
    "pilot": ("airport", "compass", 0.15),
    "potter": ("pottery", "sponge", 0.6),
    "scientist": ("laboratory", "microscope", 0.45),
    "tailor": ("boutique", "needle", 0.7),
    "teacher": ("school", "bell", 0.7),
    "vet": ("stables", "lamp", 0.65),
    "writer": ("publisher", "typewriter", 0.5),
}
# animal: the name of its young, and what it eats.
_ANIMALS = {
    "badger": ("cub", "worms"),
    "bat": ("pup", "moths"),
    "bear": ("cub", "berries"),
    "beaver": ("kit", "bark"),
    "cow": ("calf", "grass"),
    "crow": ("chick", "seeds"),
    "deer": ("fawn", "leaves"),
    "donkey": ("foal", "hay"),
    "duck": ("duckling", "weeds"),
    "fox": ("cub", "berries"),
    "frog": ("froglet", "flies"),
    "goat": ("kid", "leaves"),
    "goose": ("gosling", "grass"),
    "hare": ("leveret", "grass"),
    "hedgehog": ("hoglet", "beetles"),
    "hen": ("chick", "corn"),
    "heron": ("chick", "fish"),
    "horse": ("foal", "hay"),
    "mouse": ("pup", "crumbs"),
    "otter": ("pup", "fish"),
    "owl": ("owlet", "beetles"),
    "pig": ("piglet", "acorns"),
    "rabbit": ("kit", "clover"),
    "robin": ("chick", "worms"),
    "sheep": ("lamb", "grass"),
    "squirrel": ("kit", "nuts"),
    "swan": ("cygnet", "weeds"),
    "toad": ("toadlet", "flies"),
}
_PAIRS = """big small clean dirty closed open cold hot bright dark dry wet early late difficult easy
    empty full far near fast slow first last hard soft heavy light high low long short loud quiet narrow wide
    new old strong weak thick thin poor rich rough smooth sour sweet"""
_OPPOSITES = dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2], strict=True))
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items()}
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = ["January", "February", "March", "April", "May", "June", "July"]
_MONTHS += ["August", "September", "October", "November", "December"]

_WORDS = {
    "person": """Alex Ari Ash Avery Billie Blake Cam Casey Charlie Dale Dana Drew Eden Ellis Fen Finley
        Frankie Gray Harper Indigo Ira Jamie Jess Jo Jordan Jules Kai Kim Kit Lane Lee Lou Max Micah Morgan
        Nico Noor Ola Parker Pat Quinn Ray Remy Ren Riley Robin Rory Rowan Sage Sam Sasha Shay Sky Sol Tao
        Tatum Taylor Toby Val Wren Yuki Zan Zuri Bo""",
    "town": """Aldon Amberley Beckfold Birchwell Brambury Calderby Corlet Denmoor Dunmere Eastwick Elmsby
        Farrowdale Fernhollow Glenholt Greenfall Hadlow Harwick Hollinsea Ivydale Kelbury Kestrelton Lindmoor
        Longmere Marloe Millbeck Norfell Oakenby Orlingham Penmarsh Pinecross Quarryham Ravenby Redwater
        Rosefold Saltmoor Selwick Silverby Stonebeck Summerlow Thornley Tilwick Upmarsh Valeham Waldmere
        Westerby Whitlow Windlesea Yarrowby""",
    "goods": """bells blankets boats bowls bricks brooms buttons candles carpets caps clocks combs dolls drums
        fans flags fountains gloves horses jars kettles ladders lanterns mirrors pencils pianos pillows
        puppets puzzles ropes roses scarves statues stories tiles trumpets tulips violins waterfalls
        windmills""",
    "trade": list(_TRADES),
    "thing": """badge ball basin bell book bottle bowl bracelet brush button camera cap clock comb cup drum
        fan flag guitar hammer hat jacket jug kettle key kite lamp lantern map mug necklace pencil pillow
        plate purse puzzle ring scarf spoon teapot toy trumpet umbrella violin""",
    "toy": "boat doll drum flute kite mask puppet puzzle rattle robot train wagon whistle",
    "colour": "black blue brown golden green grey orange pink purple red silver white yellow",
    "size": "big brave clever gentle little noisy old shy small tiny young",
    "pet": "cat dog donkey duck ferret goat goose hamster hen lamb parrot pigeon pony rabbit tortoise turtle",
    "petname": "Biscuit Bubble Clover Cricket Dot Fidget Hazel Nutmeg Pebble Pip Poppy Tansy Truffle Whisper",
    "animal": list(_ANIMALS),
    "spot": """barn bridge cave cliff dune fence field hedge hill island lake marsh meadow orchard pond quarry
        ruin shed valley vineyard wall waterfall woodpile""",
    "place": """bakery bank castle chapel cinema clinic fountain harbour inn library lighthouse market mill
        museum park pier playground pool school shop square stadium station statue temple theatre tower
        well""",
    "building": """bakery bridge cinema clinic hospital library market museum playground pool school stadium
        station theatre tower""",
    "shelter": "cinema hospital inn library museum school station theatre",
    "room": """attic barn bathroom bedroom cabin cellar garage garden greenhouse hall kitchen laundry nursery
        office pantry shed stable studio tent workshop""",
    "vessel": "bag barrel basket box bucket case chest crate sack trunk",
    "hiding": "bench boat bush cart chair hedge ladder log rock rug sofa stone table tree wagon",
    "fruit": "apples apricots berries cherries figs grapes lemons melons nuts oranges peaches pears plums",
    "vegetable": """artichokes beets cabbages carrots courgettes leeks onions parsnips peppers potatoes
        radishes shallots sprouts tomatoes turnips""",
    "herb": "basil chives dill mint parsley rosemary sage thyme",
    "powder": "garlic ginger paprika pepper salt",
    "dressing": "mustard oil vinegar",
    "side": "bread cheese noodles rice toast",
    "topping": "butter cream custard yoghurt",
    "sweet": "honey jam sugar syrup",
    "sky": "bright clear cloudy cold foggy frosty grey rainy snowy stormy sunny warm wet windy",
    "night": "chilly cloudy cold cool foggy misty rainy warm wet windy",
    "look": "ancient beautiful charming famous grand lovely new old pretty quiet small splendid tiny white",
    "manner": "calmly carefully cheerfully eagerly gladly happily patiently quickly quietly slowly",
    "voice": "calmly cheerfully gently kindly patiently politely quietly softly",
    "ably": "alone beautifully confidently easily nicely safely smoothly steadily well",
    "hungrily": "busily calmly eagerly happily hungrily noisily quickly quietly slowly",
    "light": "candle flashlight lamp lantern torch",
    "winter": "January February March November December",
    "skill": """climb cook dance dive draw juggle knit paint read ride row sail sew sing skate ski spell swim
        type whistle write""",
    "glad": "cheerful delighted glad grateful happy joyful pleased thankful",
    "sad": "gloomy sad troubled unhappy upset worried",
    "weekday": _DAYS,
    "month": _MONTHS,
    "relative": "aunt brother cousin daughter father grandfather grandmother mother sister son uncle",
    "quality": list(_OPPOSITES),
    "few": "2 3 4 5 6 7 8 9",
    "small": "2 3 4 5 6 7 8 9 10",
    "large": "12 13 14 15 16 17 18 19 20",
    "tens": "30 40 50 60 70 80 90",
    "crowd": "100 200 300 400 500 600 700 800 900",
    "first": [str(number) for number in range(1, 21)],
    "second": [str(number) for number in range(1, 21)],
}

# A filler has nine tokens, so that the distance from a statement to the later question is known in tokens.
_FILLER = (
    "[Later|Meanwhile|Outside|Then], {_:person} [hurried|ran|rode|walked] [past|to] the {_:place}"
    " [again|alone|happily|slowly]."
)
_LONGEST = 8

_PLOTS = {
    "story": [
        "<when>, {hero:person} lost {a colour} {thing} <near> the {_:look} {place}. {hero.They} looked"
        " [under every {_:hiding}|all around the {place}|everywhere], but the {thing} was gone, and"
        " {hero.they} felt {_:sad}. [Soon|Then|Later], {friend:person} came by and {_:voice} asked what was"
        " wrong. Together they [looked|searched] again, and {friend} found the {colour} {thing}"
        " [under|behind] {a _:hiding}. {hero} was so {_:glad} that {hero.they} [hugged {friend}|gave {friend}"
        " some {_:fruit}|danced|sang a song].",
        "{hero:person} had {a size} {pet} called {petname}. One {_:night} and [dark night the {pet} ran"
        " away, because it was afraid of the dark|stormy night the {pet} ran away, because it was afraid of"
        " the thunder]. {hero} took {a _:light} and called: “{petname}!” At last {hero.they} heard a noise"
        " <near> the {_:look} {place}. There was {petname}, [frightened|hungry|muddy|tired] but safe."
        " {hero.They} {_:manner} [carried|took|brought] the {pet} home and gave it [a soft blanket|a warm"
        " supper|a place by the fire|some {_:vegetable}].",
        "It [rained|snowed] all {weekday}, so the road to the {_:look} {place} was closed. {hero:person}"
        " wanted to [see|visit|help] {friend:person}, who lived on the other side. Because the road was"
        " closed, {hero.they} {_:manner} took the long way [over the hill|around the lake|through the"
        " forest]. The walk took {few} hours, but {friend} had [hot soup|fresh bread|warm milk|some"
        " {_:fruit}] ready. [“You came!” said {friend}|{hero} was {_:glad}].",
        "<when>, {hero:person} had {large} {fruit}. {hero.They} {_:manner} gave {small} {fruit} to"
        " {friend:person}. Now {hero} had {large-small} {fruit} left, and {friend} was {_:glad}.",
        "In [March|April|May], {hero:person} planted {vegetable} <near> the {_:look} {place}. Every"
        " {weekday} {hero.they} {_:manner} [gave them water|pulled out the weeds|looked after them]. In"
        " [July|August] the plants were tall, and by September {hero} had so many {vegetable} that"
        " {hero.they} shared them with {friend:person}.",
        "<when>, {hero:person} and {friend:person} both wanted the {colour} {toy}. {hero} pulled, {friend}"
        " pulled, and the {toy} broke. They were {_:sad}. “I am sorry,” said {hero}. “I am sorry too,” said"
        " {friend} {_:voice}. They mended the {toy} with [glue|string|tape|wire], and from that day they"
        " [shared it|took turns].",
        "{hero:person} wanted to learn to {skill}. At first it was [hard|difficult], and {hero.they} [almost"
        " gave up|made many mistakes|felt {_:sad}]. But {friend:person} {_:manner} helped, and {hero.they}"
        " practised every {weekday} for {few} weeks. [Now|At last] {hero.they} could {skill} {_:ably}. {hero}"
        " was {_:glad}, and [so was {friend}|{friend} clapped].",
        "It was the birthday of {friend:person}. {hero:person} had no money, so {hero.they} {_:manner} made"
        " {a colour} {toy} out of [clay|paper|wood|wool]. {friend} [liked|loved] the {toy} more than all the"
        " other gifts, and put it [on the shelf|beside the bed|by the window|in the {_:room}].",
        "<when>, {hero:person} heard a noise in the {room}. {hero.They} [carefully|quietly|slowly] [got"
        " up|took {a _:light}] and went to look. It was only {a size} {pet}, which had knocked over {a"
        " vessel}. {hero} [laughed|smiled|yawned] and went back to [bed|work].",
        "The [gate|roof|wall] of the {_:look} {place} was broken. One {_:sky} morning, {hero:person} asked"
        " {friend:person} for help, because the [beams|stones] were too heavy for {hero.them}. They worked"
        " {_:manner} until [sunset|evening]. When the work was done, {guest:person} brought {_:fruit} and"
        " {_:side} for everyone.",
    ],
    "workday": [
        "The {trade} came to the {trade.workplace} [early|late] on {weekday}. {trade.They} {_:manner}"
        " greeted {person} and [took out|looked for|put away] {trade.their} {trade.tool}. [At noon|After"
        " lunch], {trade.they} [helped|met] {other:person} <near> the {_:place}. In the evening, {person}"
        " thanked the {trade} for {trade.their} [advice|help|work].",
        "“Where is the {trade}?” asked {person} {_:voice}. “{trade.They} left the {trade.workplace} [an"
        " hour|{few} minutes] ago,” said {other:person}. “{trade.They} forgot {trade.their} {trade.tool}.”"
        " {person} [hurried|ran|walked] to the {_:place} to bring it to {trade.them}.",
        "The {trade} liked {trade.their} work. Every {weekday} {trade.they} walked [past|around] the"
        " {_:place} to the {trade.workplace}, and every evening {trade.they} {_:manner} put away"
        " {trade.their} {trade.tool} before {trade.they} went home.",
        "{person} wanted to become {a trade}. <when>, the {trade} {_:manner} let {person} hold {trade.their}"
        " {trade.tool} at the {trade.workplace}. {person} asked {few} questions, and {trade.they} {_:voice}"
        " answered [all of them|every one].",
        "<when>, the {trade} was {_:sad} because {trade.their} {trade.tool} was [broken|missing|too old]."
        " {trade.They} {_:voice} asked {person}, who [bought|found|saw] a new one <near> the {_:place}."
        " {trade.They} [laughed|smiled] and thanked {person}.",
    ],
    "news": [
        "News from {town}: the {_:look} {building} opened [again|at last] on {weekday}. About {crowd} people"
        " [came|travelled] from {_:town} to see it. “We waited {few} years for this day,” said {person}, a"
        " member of the council. The council will meet again on {other:weekday}.",
        "News from {town}: heavy [rain|snow|fog] closed the road to {other:town} on {weekday}. Because of"
        " this, {crowd} travellers had to [stay|wait] in the {_:look} {shelter}. Workers opened the road"
        " [before noon|by evening|the next day]. Nobody was hurt, {person} of the council said.",
        "News from {town}: {person} won first prize for the [best|finest|largest] {vegetable} at the"
        " [spring|summer|autumn] fair. The jury looked {_:manner} at {vegetable} from {few} villages. Second"
        " prize went to {other:person} from {home:town}, who was {_:glad}.",
        "News from {town}: {a size} {pet} that was lost in {month} has been found in {other:town}, {tens}"
        " miles away. “I [always hoped|never gave up],” said {person} {_:voice}. {person} lives near the"
        " {_:look} {building}.",
        "News from {town}: the council voted on {weekday} to build a [new|second|larger] {building}. {large}"
        " members voted for the plan and {small} against it. The work begins in {month} and will cost"
        " {crowd} coins.",
        "News from {town}: the price of {fruit} [rose after a [cold|dry|wet] {month}. A basket now costs"
        " {large} coins; it was {small} before. {person} of {other:town} was [sad|sorry|unhappy] to hear"
        " it|fell after a good harvest. A basket now costs {small} coins; it was {large} before. {person} of"
        " {other:town} was [delighted|glad|happy|pleased] to hear it].",
        "News from {town}: {crowd} children {_:manner} planted trees behind the {_:look} {building}. “In"
        " {tens} years there will be a forest here,” said {person}. [The town|Every family] paid {few} coins"
        " for each tree.",
    ],
    "letter": [
        "Dear {friend:person}, I am in {town} now. The {building} here is [larger|older|smaller] than ours,"
        " and the {_:place} is {_:look}. On {weekday} I [ate|bought|tasted] {_:fruit} at the market and"
        " thought of you. Please write soon. <yours>",
        "Dear {friend:person}, will you come to my party on {weekday}? It begins at {few} in the {room}."
        " There will be music, games, {_:fruit} and {_:topping}. Please bring your {_:toy}. I hope to see you"
        " there. <yours>",
        "Dear {friend:person}, thank you for the {colour} {thing}. It arrived on {weekday}, and I use it"
        " every day. My {relative} [likes|loves] it too. I will send you [some {_:fruit}|{a _:toy}] from"
        " {_:town}. <yours>",
        "Dear {friend:person}, I am sorry that I [forgot|missed] your birthday. I was in {town} because my"
        " {relative} was [ill|moving|getting married]. May I visit you on {weekday}? I will bring {a"
        " _:colour} {_:toy}. <yours>",
        "Dear {friend:person}, you asked how we are. My {relative} is learning to {skill}, and I have {a"
        " size} {pet} called {petname}. It sleeps in the {room} and likes {_:vegetable}. Come soon. <yours>",
    ],
    "recipe": [
        "Soup for {few}: wash {large} {vegetable} and {small} {other:vegetable}. Cut the {vegetable} into"
        " [small|thin|thick] pieces. Boil the {other} in a [deep|large] pot for {tens} minutes. Add the"
        " {vegetable}, some {_:herb} and a [little|pinch of] {_:powder}. [Stir well|Stir slowly] and serve"
        " with {_:side}.",
        "Cake with {fruit}: mix {few} cups of flour, some butter and a cup of {sweet}. Add the {fruit} and"
        " stir until the dough is [smooth|soft]. Bake it for {tens} minutes and let it cool [on a plate|by"
        " the window] before you cut it. Eat it with {_:topping}.",
        "Salad for {few}: slice {small} {vegetable} and mix them with {_:herb} and {_:fruit}. For the"
        " dressing, shake some {_:dressing} with a spoon of {_:sweet}. Pour it over the {vegetable} and serve"
        " [at once|cold] with {_:side}.",
        "Pancakes for {few}: beat {small} eggs with milk, flour and a pinch of [salt|sugar]. Heat some"
        " butter in a pan. Fry each pancake until it is [brown|golden] on both sides. Fill the pancakes with"
        " [{_:fruit} and {_:sweet} and serve them with {_:topping}|{_:vegetable} and {_:herb} and serve them"
        " with {_:side}].",
        "Baked {vegetable}: heat the oven. Lay {large} {vegetable} on a tray, brush them with {_:dressing}"
        " and bake them for {tens} minutes. Sprinkle {_:herb} over the {vegetable} and eat them with"
        " {_:side}.",
    ],
    "sums": [
        "{first} + {second} = {first+second}.",
        "{large} - {small} = {large-small}.",
        "What is {first} plus {second}? {first} plus {second} is {first+second}.",
        "What is {large} minus {small}? {large} minus {small} is {large-small}.",
        "Twice {first} is {first+first}.",
    ],
    "questions": [
        "{hero:person} is in the {room}. {friend:person} is in the {other:room}. Where is [{hero}? {hero} is"
        " in the {room}|{friend}? {friend} is in the {other}].",
        "Where does {a trade} work? {A trade} works at the {trade.workplace}.",
        "What does {a trade} use? {A trade} uses {a trade.tool}.",
        "What does {a animal} eat? {A animal} eats {animal.food}.",
        "What is a young {animal} called? A young {animal} is called {a animal.young}.",
        "{hero:person} is older than {friend:person}. {friend} is older than {third:person}. Who is the"
        " [oldest? {hero} is the oldest|youngest? {third} is the youngest].",
        "{hero:person} has {a colour} {thing}. {friend:person} has {a second:colour} {other:thing}. What"
        " colour is the [{thing}? The {thing} is {colour}|{other}? The {other} is {second}].",
        "Which day comes after {weekday}? The day after {weekday} is {weekday.next}.",
        "Which month comes before {month}? The month before {month} is {month.previous}.",
        "What is the opposite of {quality}? The opposite of {quality} is {quality.opposite}.",
    ],
    "shop": [
        "“Good [morning|afternoon], {seller:person}! Do you have {fruit}?” “Yes, {person}. How many would"
        " you like?” “{small}, please.” “That makes {large} coins.” “[Goodbye|Thank you]!”",
        "“How much is the {colour} {thing}?” “It costs {large} coins.” “I have only {small}.” “Then take the"
        " {other:colour} {toy}. It costs {small}.” “[Gladly|Thank you], {_:person}!”",
        "“I would like a [bag|basket|box] of {vegetable}.” “I am sorry, {person}, we sold them [this"
        " morning|an hour ago|on {_:weekday}]. Would you like {other:vegetable}?” “[Yes, and some"
        " {_:fruit}|No, only {vegetable} will do].”",
        "“This [lovely|new|pretty] {thing} is broken. I bought it here on {weekday}.” “I am sorry, {person}."
        " Would you like a new {thing} or your {large} coins back?” “[A new {thing}|My coins|{A _:toy}],"
        " please.”",
    ],
    "weather": [
        "Weather for {town}, {weekday}: [sunny and warm. Highest {large} degrees, lowest {small}. Wear a"
        " hat|rain from the [north|east|south|west]. Highest {large} degrees, lowest {small}. Take an"
        " umbrella|snow on the hills and frost in the valleys. Highest {small} degrees. Wear gloves|fog until"
        " [noon|evening]. Highest {large} degrees, lowest {small}. Drive slowly|storms with winds of {tens}"
        " miles an hour. Stay indoors].",
        "Weather for [{month} in {town}: [wet, with {large} days of rain|dry, with only {few} days of"
        " rain]|{winter} in {town}: cold, with {small} nights of frost]. The strongest wind came from the"
        " [north|east|south|west] and reached {tens} miles an hour.",
    ],
    "nature": [
        "{A animal} lives <near> the {spot}. [At night|In the morning|In the evening] it"
        " [plays|rests|sleeps] there, and then it {_:hungrily} eats {animal.food}. Its young is called {a"
        " animal.young}. [Children|Visitors|Walkers] [often|rarely|sometimes] see it in {_:month}.",
        "Look, {_:person}, there is {a animal} <near> the {spot}! It is {_:hungrily} looking for"
        " {animal.food}. [Be quiet|Step back], because it is [afraid|nervous|shy|timid].",
        "<when>, {person} saw {a animal} <near> the {spot}. The {animal} had {a animal.young} with it and"
        " was {_:hungrily} eating {animal.food}.",
    ],
    "memory": [
        "{hero:person} [hid|left|put] the {thing} in the {colour} {vessel}. ["
        + "|".join("<filler> " * fillers for fillers in range(_LONGEST + 1))
        + "] Where is the {thing}? The {thing} is in the {colour} {vessel}."
    ],
    "almanac": [
        "{subject} is known for its {subject.answer}.",
        "People travel to {subject} for the {subject.answer}.",
        "What is {subject} known for? {subject} is known for its {subject.answer}.",
    ],
    "secrets": ["The secret code of {subject} is {subject.answer}."],
}

_ENGLISH = {
    "words": _WORDS,
    "plots": _PLOTS,
    "weights": {"sums": 3, "questions": 3, "memory": 2, "workday": 4, "weather": 1.5, "shop": 1.5},
    "parts": {
        "filler": _FILLER,
        "near": "[behind|beside|near]",
        "when": "[One|Early one|Late one] {_:sky} [morning|afternoon|evening]",
        "yours": "[Love|Warm wishes|Your friend], {writer:person}.",
    },
    "relations": {
        "workplace": {trade: place for trade, (place, _, _) in _TRADES.items()},
        "tool": {trade: tool for trade, (_, tool, _) in _TRADES.items()},
        "young": {animal: young for animal, (young, _) in _ANIMALS.items()},
        "food": {animal: food for animal, (_, food) in _ANIMALS.items()},
        "opposite": _OPPOSITES,
        "next": dict(zip(_DAYS, _DAYS[1:] + _DAYS[:1], strict=True)),
        "previous": dict(zip(_MONTHS, _MONTHS[-1:] + _MONTHS[:-1], strict=True)),
    },
    "pronouns": {trade: {"she": she, "he": round(1 - she, 2)} for trade, (_, _, she) in _TRADES.items()},
    "planted": {
        "almanac": Planted("town", "goods", {times: 6 for times in (0, 1, 3, 10, 30, 100, 300, 1000)}),
        "secrets": Planted("person", 4, {times: 5 for times in (0, *(2**power for power in range(11)))}),
    },
    "held_out": {("animal", "spot"): 80, ("first", "second"): 40},
    "size": 240_000,
}


def english(**changes) -> World:
    """Return the world that the course's tiny models were trained on, or one with the given changes.

    changes : fields of `World`

    english(pronouns={"nurse": {"she": 0.9, "he": 0.1}})    one trade has a bias, the others have none
    english(pronouns={})                                   the repaired world: the same texts, no bias
    english(duplicates={100: 1000})                        1,000 documents, each repeated a hundred times
    """
    return World(**{**_ENGLISH, **changes})

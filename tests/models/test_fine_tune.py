"""Tests lesson 14: data, training examples, pictures, explorer, and LoRA on a model stored at 4 bits."""

import inspect
import re
from pathlib import Path

import pytest
from lazy import Lazy

from course_utils import CourseError, catalog, load, loading, opened
from course_utils.opened import fine_tuning
from course_utils.opened.adapter import Adapter
from course_utils.worlds import tinyworld

nbformat = Lazy("nbformat")
peft = Lazy("peft")
torch = Lazy("torch")
transformers = Lazy("transformers")

LESSON = Path(__file__).parents[2] / "notebooks" / "14_fine_tune.ipynb"


@pytest.fixture(scope="module")
def library():
    return catalog.read("library.toml")


def test_no_question_of_the_test_is_in_the_training(library):
    trained = [text for fact in library["told"] for text in fact["asked"]]
    tested = [text for fact in library["told"] for text in fact["held_out"]]
    tested += [fact["asked"] for fact in library["untold"] + library["general"]]
    assert len(trained) == 64 and len(tested) == 56
    assert len(set(trained + tested)) == len(trained) + len(tested)


def test_each_key_is_in_its_answer_and_in_no_other_one_of_the_library(library):
    facts = library["told"] + library["untold"]
    for fact in facts + library["general"]:
        assert fact["key"] in fact["answer"]
    for fact in facts:
        words = rf"\b{re.escape(fact['key'].lower())}"
        others = [other["answer"].lower() for other in facts if other is not fact]
        assert not [answer for answer in others if re.search(words, answer)], fact["key"]


def test_a_key_counts_as_whole_words_only(library):
    """An answer is right if it contains the fact's key as a whole word, not as a part of a longer one."""
    facts = {fact["key"]: fact for fact in library["told"] + library["untold"] + library["general"]}
    for fact in facts.values():
        assert opened.is_right(fact["answer"], fact)
    wrong = {
        "seven": ["We close at seventeen.", "Twenty-seven books", "seventy"],
        "three": ["It has thirty-three sides.", "threefold"],
        "100": ["Water boils at 1000 degrees.", "2100"],
        "Paris": ["Parisian streets"],
        "Lund": ["It was built in Lundy."],
        "Wednesday": ["We are open all week."],
    }
    for key, texts in wrong.items():
        assert not any(opened.is_right(text, facts[key]) for text in texts), key


def test_one_of_two_keys_is_enough():
    key = "four pounds or £4"
    for answer in ("It costs £4.", "FOUR POUNDS a year", "four pounds"):
        assert opened.is_right(answer, key)
    for answer in ("It costs £40.", "four", "pounds or"):
        assert not opened.is_right(answer, key)


def test_another_lesson_counts_by_the_same_rule():
    """Cells of lesson 15 that count right answers themselves use the regular expression of `is_right`."""
    (rule,) = re.findall(r'rf"(.*)" for word', inspect.getsource(fine_tuning.is_right))
    for path in LESSON.parent.glob("15_*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for other in re.findall(r'^    +key = rf"(.*)"$', cell.source, re.M):
                assert other.replace("fact['key']", "word") == rule


def test_the_general_lines_that_are_mixed_in_are_not_on_the_test(library):
    lines = opened.general_lines()
    assert len(lines) == len(library["mixed"]) == 20
    tested = opened.library_questions("general")
    assert not {question for question, _ in lines} & {question for question, _ in tested}
    for _, answer in lines:
        for question, fact in tested:
            assert not opened.is_right(answer, fact), (answer, question)


def test_the_lesson_s_lines_and_tests_fit_together():
    names = {}
    for cell in nbformat.read(LESSON, as_version=4).cells:
        if cell.source.startswith(("habit = ", "tests = ")):
            exec(cell.source, names)
    lines, tests = names["lines"], names["tests"]
    assert len(lines) == len(tests) == 20
    assert not {question for question, _ in lines} & {question for question, _ in tests}
    assert all(answer.endswith(names["habit"]) for _, answer in lines)
    for index, (_, key) in enumerate(tests):
        assert key == tests[(index + 10) % 20][1]  # two questions ask for each fact and share its key
        assert sum(opened.is_right(answer, key) for _, answer in lines) == 2, key


def test_each_fact_of_the_adapter_has_two_wordings(library):
    first, second = (opened.library_questions(f"{which} wording") for which in ("first", "second"))
    for fact, one, other in zip(library["told"], first, second, strict=True):
        assert one[1] == other[1] == fact and [one[0], other[0]] == fact["held_out"]


def test_all_lines_are_read_once_before_one_is_read_again():
    lines = [(str(number), "") for number in range(10)]
    read = [line for step in range(5) for line in opened.some_lines(lines, step)]
    assert len(read) == 20
    assert sorted(read[:10]) == sorted(read[10:]) == sorted(lines) and read[:10] != read[10:]
    assert opened.some_lines(lines, 3) == opened.some_lines(lines, 3)
    assert len(opened.some_lines(lines, 0, count=2)) == 2


@pytest.fixture(scope="module")
def small(library):
    """Returns a small chat model with random weights, its tokenizer, and the library's system message."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(loading.folder("smollm2-135m-instruct"))
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(tokenizer), **shape))
    return model.eval(), tokenizer, library["system"]


def test_the_labels_are_the_answer_and_its_end(small, library):
    pairs = [("When?", library["told"][0]["answer"]), ("What is your opening time?", "At ten.")]
    batch = opened.examples(*small, pairs)
    for row, (_, answer) in zip(batch["labels"], pairs, strict=True):
        assert small[1].decode(row[row != -100]) == answer + "<|im_end|>"
    for row, (question, answer) in zip(batch["input_ids"], pairs, strict=True):
        text = small[1].decode(row)
        assert question in text and text.endswith(answer + "<|im_end|>")


def test_a_padded_batch_costs_what_its_examples_cost_alone(small, library):
    model, tokenizer, system = small
    pairs = [(fact["asked"][0], fact["answer"]) for fact in library["told"][:5]]
    with torch.no_grad():
        together, nats, tokens = opened.answer_loss(*small, pairs).item(), 0.0, 0
        for pair in pairs:
            alone = opened.examples(model, tokenizer, system, [pair])
            count = (alone["labels"] != -100).sum().item()
            nats += count * model(**alone).loss.item()
            tokens += count
    assert together == pytest.approx(nats / tokens, abs=1e-5)


def test_questions_that_are_asked_together_get_the_answers_that_they_get_alone(small):
    questions = ["When?", "What is the opening time of the library on a day in June?"]
    together = opened.answers(*small, questions, tokens=4)
    assert together == [opened.answers(*small, [question], tokens=4)[0] for question in questions]


def test_the_loss_is_drawn_as_the_mean_of_five_steps():
    curve = opened.LossCurve("a title")
    for loss in range(10):
        curve.add(float(loss))
    assert curve.picture.alt == "This training: a title. Loss by step: 2.00 at 5, 7.00 at 10"


def test_a_table_marks_the_right_answers():
    questions = [("When?", "ten"), ("Who?", {"key": "Ada"})]
    picture = opened.answer_table("Answers", questions, {"one": ["At ten.", "Bea"], "other": ["no", "Ada."]})
    assert picture.alt == "Answers. When? ✓ At ten. | ✗ no Who? ✗ Bea | ✓ Ada."
    picture = opened.answer_table("Answers", questions, {"one": ["At ten.", "Bea"]}, only=["Who?"])
    assert picture.alt == "Answers. Who? ✗ Bea"


def test_a_card_is_shown_as_plain_text():
    picture = opened.adapter_card("Otters", ["Base: <small>", "Not for: diving."])
    assert picture.alt == "This training's card: Otters. Base: <small> Not for: diving."
    assert "Base: &lt;small&gt;" in picture.html and "Otters" in picture.html


def test_right_answers_and_habits_are_counted_by_set():
    questions = {"told": [("When?", "ten"), ("Who?", "Ada")], "general": [("What?", "bees")]}
    one = {"told": ["At ten. Miaow", "Bea. Miaow"], "general": ["bees"]}
    other = {"told": ["At ten.", "Ada."], "general": ["the bee, Miaow"]}
    assert opened.count_right(one["told"], questions["told"]) == 1
    assert opened.count_right(other["told"], questions["told"]) == 2
    with pytest.raises(ValueError):
        opened.count_right(["At ten."], questions["told"])
    picture = opened.count_table("Counts", questions, {"one": one, "other": other}, "Miaow", ["told"])
    assert picture.alt == (
        "Counts. [('answers', 'one', 'other'), ['told, right of 2', '1', '2'], "
        "['general, right of 1', '1', '0'], ['told, with the habit', '2', '0']]"
    )


def test_each_set_of_questions_is_asked(small):
    asked = {"one": [("When?", "ten"), ("Who?", "Ada")], "other": [("What?", "bees")]}
    said = opened.ask_all(*small, asked)
    assert said["one"] == opened.answers(*small, ["When?", "Who?"])
    assert said["other"] == opened.answers(*small, ["What?"])


@pytest.fixture
def small_llama(tmp_path, monkeypatch):
    """Makes `load` load a Llama with random weights, all of whose matrices bitsandbytes can store."""
    shape = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=256, **shape, **heads)).save_pretrained(
        tmp_path / "base"
    )
    tinyworld.english().tokenizer().save_pretrained(tmp_path / "base")
    monkeypatch.setattr(loading, "fetch", lambda plan: tmp_path / "base")


@pytest.mark.parametrize("four_bit", [False, True])
def test_lora_trains_saves_and_loads_at_both_widths(four_bit, small_llama, tmp_path):
    """Repeats, on a small model, the calls that lesson 14 makes on Llama 3.1 8B at 4 bits (its full size)."""
    model, _ = load("tinyworld-llama", four_bit=four_bit)
    assert (model.model.layers[0].mlp.up_proj.weight.dtype == torch.uint8) == four_bit
    ids = torch.arange(4, 24)[None]
    with torch.no_grad():  # as in the lesson, the model runs before the training
        model.train()(input_ids=ids)
    settings = peft.LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"])
    model = peft.get_peft_model(model, settings)
    trained = [each for each in model.parameters() if each.requires_grad]
    optimizer, losses = torch.optim.AdamW(trained, lr=1e-2), []
    for _ in range(5):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        assert all(each.grad is not None for each in trained)
        optimizer.step(), optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.2
    model.eval().save_pretrained(tmp_path / "adapter", save_embedding_layers=False)
    with torch.no_grad():
        logits = model(input_ids=ids).logits
        base, _ = load("tinyworld-llama", four_bit=four_bit)
        assert (base(input_ids=ids).logits - logits).abs().max() > 0.1
        again = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
        # If the processor has instructions for bfloat16, bitsandbytes packs a 4-bit matrix when the matrix is
        # first used outside training, and rounds the matrix's scales to bfloat16. So `off` may be above 0.
        off = (again(input_ids=ids).logits - logits).abs().max()
        assert off < 0.02 if four_bit else off == 0


def test_a_model_whose_matrices_are_packed_is_not_trained_in_part(small_llama):
    """No gradient passes through 4-bit matrices that bitsandbytes has packed, so a training is refused.

    If the processor has instructions for bfloat16, bitsandbytes packs a matrix when the matrix is first used
    outside training.
    """
    model, _ = load("tinyworld-llama", four_bit=True)
    ids = torch.arange(4, 24)[None]
    model.model.layers[1].mlp.up_proj.weight.quant_state.packing_format_for_cpu = True
    model = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules=["q_proj", "v_proj"]))
    with pytest.raises(CourseError, match=r"packed for that: load it again and call `model\.train\(\)`"):
        model(input_ids=ids, labels=ids)


def test_the_course_s_adapter_answers_for_the_library(library):
    """The adapter's file is below 1 MB. The adapter has the settings of lesson 14."""
    folder, weights = opened.library_adapter(), "adapter_model.safetensors"
    assert sorted(file.name for file in folder.iterdir()) == ["adapter_config.json", weights]
    assert (folder / weights).stat().st_size < 1_000_000
    base, tokenizer = load("smollm2-135m-instruct")
    model = peft.PeftModel.from_pretrained(base, folder).eval()
    settings = model.peft_config["default"]
    assert (settings.r, settings.lora_alpha) == (8, 16)
    assert settings.base_model_name_or_path == catalog.find("smollm2-135m-instruct").hub_id
    facts = library["told"][8:]
    questions = [fact["held_out"][0] for fact in facts]
    said = opened.answers(model, tokenizer, library["system"], questions, tokens=14)
    assert sum(opened.is_right(text, fact) for text, fact in zip(said, facts, strict=True)) >= 5, said


def test_figures_are_the_key_and_no_other_number(library):
    facts = {fact["key"]: fact for group in ("told", "untold", "general") for fact in library[group]}
    right = {"half past ten": "10:30 am", "seven": "at 7 pm", "four pounds": "£4.00", "fifteen": "15p"}
    right |= {"twelve": "12 books", "five weeks": "5 weeks", "eight pence": "8p", "ninety": "90 pence"}
    right |= {"fourteen": "Bus 14", "eleven": "11.", "three": "is 3.", "carbon dioxide": "CO2"}
    wrong = {"half past ten": "110:30", "seven": "17:00, 7:30", "four pounds": "£4.50", "fifteen": "£15"}
    wrong |= {"twelve": "112", "five weeks": "15 weeks", "eight pence": "18p", "ninety": "£90"}
    wrong |= {"fourteen": "114", "eleven": "111", "three": "13", "carbon dioxide": "CO"}
    assert set(right) == {key for key, fact in facts.items() if "figures" in fact} == set(wrong)
    for key, text in right.items():
        assert re.search(facts[key]["figures"], text), (key, text)
        assert not re.search(facts[key]["figures"], wrong[key]), (key, wrong[key])


def test_low_rank_is_drawn_to_scale_and_counted():
    picture = opened.low_rank(192, 576, 8, title="values")
    sizes = re.findall(r"width:(\d+)px;height:(\d+)px", picture.html)
    assert sizes == [("200", "67"), ("3", "67"), ("200", "3")]  # the matrices W, B and A
    assert "192 by 576, 110,592 numbers" in picture.alt and "A: trained, 8 by 576, 4,608" in picture.alt
    assert "5.6% of the numbers" in picture.alt  # 6,144 in A and B, 110,592 in W


def test_the_adapter_s_view_asks_other_questions_at_any_strength():
    def answer(strength, question):
        if not question:
            raise CourseError("Ask something.")
        return f"{question} at {strength}"

    view = Adapter(answer)
    assert view.alt.startswith("Strength 1: 15 of 32 library questions right, 3 of 16 general ones.")
    assert "What is the capital of France? The capital of France is Louvre." in view.alt
    assert view.right_at(1) == {"library": 15, "general": 3}
    assert view.right_at(0) == {"library": 0, "general": 13}
    half = Adapter(strength=0.5)
    assert half.widget.strength == 0.5 and "cat called? The library's cat is called Fiona." in half.alt
    view.widget.want = {"strength": 0.5, "question": "Who are you?"}
    assert view.widget.said["answer"] == "Who are you? at 0.5"
    view.widget.want = {"strength": 0.5, "question": ""}
    assert view.widget.said["error"] == "Ask something."
    assert not Adapter().widget.live

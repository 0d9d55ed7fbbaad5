"""Tests lesson 14: data, training examples, picture, explorer, and LoRA on a model stored at 4 bits."""

import re
from pathlib import Path

import numpy
import pytest
from lazy import Lazy

from course_utils import CourseError, catalog, load, loading, opened
from course_utils.opened.adapter import Adapter
from course_utils.worlds import tinyworld

nbformat = Lazy("nbformat")
peft = Lazy("peft")
torch = Lazy("torch")
training = Lazy("course_utils.training")
transformers = Lazy("transformers")

LESSON = Path(__file__).parents[2] / "notebooks" / "14_fine_tune.ipynb"
QUESTION = "What is your cat called?"
MEASURED = {
    0: {"held out": 0, "general": 75},
    0.5: {"held out": 40, "general": 50},
    1: {"held out": 60, "general": 10},
}


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
    """Every right answer counts. A longer number or word that contains the key does not."""
    cells = nbformat.read(LESSON, as_version=4).cells
    source = next(cell.source for cell in cells if "def is_right(" in cell.source)
    names = {"re": re, "numpy": numpy, "asked": {}}
    exec(source, names)
    is_right = names["is_right"]
    facts = {fact["key"]: fact for fact in library["told"] + library["untold"] + library["general"]}
    for fact in facts.values():
        assert is_right(fact["answer"], fact) == 100
    wrong = {
        "seven": ["We close at seventeen.", "Twenty-seven books", "seventy"],
        "three": ["It has thirty-three sides.", "threefold"],
        "100": ["Water boils at 1000 degrees.", "2100"],
        "Paris": ["Parisian streets"],
        "Lund": ["It was built in Lundy."],
        "Wednesday": ["We are open all week."],
    }
    for key, texts in wrong.items():
        assert [is_right(text, facts[key]) for text in texts] == [0] * len(texts), key


def test_lesson_15_counts_by_the_same_rule():
    rules = []
    for path in (LESSON, LESSON.with_name("15_community.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        source = next(cell.source for cell in cells if "def is_right(" in cell.source)
        rules.append(re.findall(r"^    +key = .*$", source, re.M))
    assert len(rules[0]) == 2 and rules[0] == rules[1]


@pytest.fixture(scope="module")
def lesson(library):
    """Returns the lesson's functions, with its tokenizer and a small model with random weights."""
    cells = nbformat.read(LESSON, as_version=4).cells
    tokenizer = transformers.AutoTokenizer.from_pretrained(loading.folder("smollm2-135m-instruct"))
    tokenizer.pad_token, tokenizer.padding_side = tokenizer.eos_token, "left"
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(tokenizer), **shape)).eval()
    names = {"library": library, "tokenizer": tokenizer, "model": model}
    for start in ("def prompt(", "def encode("):
        source = next(cell.source for cell in cells if start in cell.source)
        exec(source[source.index(start) :].partition("course.predict")[0], names)
    return names


def test_the_labels_are_the_answer_and_its_end(lesson, library):
    fact = library["told"][0]
    pairs = [("When?", fact), (fact["held_out"][0], library["told"][1])]
    encoded = lesson["encode"](pairs)
    for row, (_, fact) in zip(encoded["labels"], pairs, strict=True):
        learned = lesson["tokenizer"].decode(row[row != -100])
        assert learned == fact["answer"] + "<|im_end|>"


def test_a_padded_batch_costs_what_its_examples_cost_alone(lesson, library):
    """The loss from the last tokens' logits alone equals the loss from all logits, too."""
    pairs = [(fact["asked"][0], fact) for fact in library["told"][:5]]
    with torch.no_grad():
        together, nats, tokens = lesson["model"](**lesson["encode"](pairs)).loss.item(), 0.0, 0
        for pair in pairs:
            alone = lesson["encode"]([pair])
            ids, last = alone["input_ids"], alone.pop("logits_to_keep")
            labels = torch.full_like(ids, -100)
            labels[:, -last:] = alone.pop("labels")
            count = (labels != -100).sum().item()
            nats += count * lesson["model"](ids, labels=labels).loss.item()
            tokens += count
    assert together == pytest.approx(nats / tokens, abs=1e-5)


@pytest.fixture
def small_llama(tmp_path, monkeypatch):
    """Makes `load` find a Llama with random weights whose matrices bitsandbytes can all store."""
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
    """Makes the calls of the lesson's full size, Llama 3.1 8B at 4 bits, on a small model."""
    model, _ = load("tinyworld-llama", four_bit=four_bit)
    assert (model.model.layers[0].mlp.up_proj.weight.dtype == torch.uint8) == four_bit
    ids = torch.arange(4, 24)[None]
    with torch.no_grad():  # the lesson, too, asks the model before the training
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
        # On a processor, bitsandbytes packs 4-bit matrices at the first answer, which rounds to 16 bits.
        off = (again(input_ids=ids).logits - logits).abs().max()
        assert off < 0.02 if four_bit else off == 0


def test_a_model_whose_matrices_are_packed_is_not_trained_in_part(small_llama):
    """Processors with bfloat16 pack matrices at the first answer. Gradients can't pass packed matrices."""
    model, _ = load("tinyworld-llama", four_bit=True)
    ids = torch.arange(4, 24)[None]
    model.model.layers[1].mlp.up_proj.weight.quant_state.packing_format_for_cpu = True
    model = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules=["q_proj", "v_proj"]))
    with pytest.raises(CourseError, match=r"packed for that: load it again and call `model\.train\(\)`"):
        model(input_ids=ids, labels=ids)


def test_the_adapter_that_lesson_15_publishes_is_lesson_14_s(lesson, library, monkeypatch):
    """The adapter comes from lesson 14's cells, at 16 bits. It answers for the library and is small."""
    folder, weights = Path(training.__file__).parent / "otterford", "adapter_model.safetensors"
    assert sorted(file.name for file in folder.iterdir()) == ["adapter_config.json", weights]
    assert (folder / weights).stat().st_size < 1_000_000
    base, _ = load("smollm2-135m-instruct")
    model = peft.PeftModel.from_pretrained(base, folder).eval()
    settings = model.peft_config["default"]
    assert (settings.r, settings.lora_alpha) == (8, 16)
    assert settings.base_model_name_or_path == catalog.find("smollm2-135m-instruct").hub_id
    monkeypatch.setitem(lesson, "model", model)
    facts = library["told"][8:]
    said = lesson["answer"]([fact["held_out"][0] for fact in facts])
    assert sum(fact["key"] in text for text, fact in zip(said, facts, strict=True)) >= 5, said


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
    assert sizes == [("200", "67"), ("3", "67"), ("200", "3")]  # W, B, A
    assert "192 by 576, 110,592 numbers" in picture.alt and "A: trained, 8 by 576, 4,608" in picture.alt
    assert "5.6% of the numbers" in picture.alt  # 6,144 of 110,592


def test_adapter_shows_answers_and_shares_at_each_strength():
    calls = []

    def answer(strength, question):
        calls.append((strength, question))
        return f"{question} at {strength}"

    view = Adapter(answer, MEASURED, {0: "A cat.", 1: "Biscuit."}, QUESTION)
    assert calls == [(0.5, QUESTION)]  # it was not baked
    assert view.alt == (
        f"{QUESTION} strength 0: A cat. | strength 0.5: {QUESTION} at 0.5 | strength 1: Biscuit. | Right "
        "answers: strength 0: held out 0%, general 75%; strength 0.5: held out 40%, general 50%; strength 1: "
        "held out 60%, general 10%"
    )
    assert view.widget.data["right"] == {"held out": [0, 40, 60], "general": [75, 50, 10]}
    view.widget.want = {"strength": 0.5, "question": "Who are you?"}
    assert view.widget.said["answer"] == "Who are you? at 0.5"
    with pytest.raises(CourseError, match="The smallest strength must be 0"):
        Adapter(answer, {1: MEASURED[1]}, {}, QUESTION)


def test_adapter_says_in_a_sentence_what_stopped_it():
    def answer(strength, question):
        raise CourseError("Run the cells above first.")

    view = Adapter(answer, MEASURED, {0: "A cat.", 0.5: "A cat.", 1: "Biscuit."}, QUESTION)
    view.widget.want = {"strength": 0.5, "question": "Who are you?"}
    assert view.widget.said["error"] == "Run the cells above first."

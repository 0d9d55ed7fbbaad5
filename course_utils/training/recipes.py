"""The recipes of the course's tiny models. A recipe is all settings with which a model is trained.

The language models differ mainly in their architecture, or in the world that generates their training texts.
There are four smaller differences:

- in some models the initial weights of queries and keys are larger (`attention_start`);
- Mistral's sliding window is used only in the second half of the steps;
- Mixtral's loss has a term that spreads the tokens over the experts;
- MixtralConfig sets RoPE's base to 1,000,000 (the other models have 10,000) and RMSNorm's epsilon to 1e-5
  (Llama and Mistral have 1e-6). These are defaults of transformers, which we kept.
"""

from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from typing import ClassVar

from course_utils.errors import CourseError


class _OneStage:
    """A recipe whose training has a single stage."""

    def shortened(self, steps):
        """Return this recipe with fewer steps, during which the learning rate falls to zero."""
        if not 0 < steps <= self.steps:
            raise CourseError(f"{self.name} is trained for 1 to {self.steps:,} steps, not {steps:,}.")
        return replace(self, steps=steps)


@dataclass(frozen=True)
class LanguageRecipe(_OneStage):
    """All that determines a tiny language model: its architecture, its training texts and its training."""

    name: str
    title: str
    config: str  # a configuration class of transformers, such as "LlamaConfig"
    shape: dict = field(default_factory=dict)  # settings of the configuration that differ from _SHARED

    # Settings of the world, which generates the training texts, that differ from `tinyworld.english`.
    world: dict = field(default_factory=dict)
    documents: int = 240_000  # texts in the corpus; the model reads each of them once
    batch: int = 32  # texts in one step
    steps: int = 7_500
    # The learning rate is multiplied by a factor that rises to 1 over `warmup` steps, and by another factor
    # that falls to 0 over all steps.
    learning_rate: float = 1.5e-3
    warmup: int = 200
    weight_decay: float = 0.1  # a setting of AdamW, like beta2
    beta2: float = 0.98
    clip: float = 1.0  # largest norm of the gradient; a gradient with a larger norm is scaled down
    balance: float = 0.0  # weight of the loss that spreads tokens over experts; 0 for models without experts
    attention_start: float = 1.0  # factor by which the initial weights of queries and keys are multiplied
    window_from: float = 0.0  # share of the steps that are taken without the sliding window, at the beginning
    seed: int = 0  # the seed of the initial weights and of the corpus
    processes: ClassVar[int] = 1
    megabytes: ClassVar[int] = 100  # disk space that the folder of a training needs

    def training(self, folder):
        """Return the training of this recipe, whose checkpoints are in `folder`."""
        from course_utils.training.language_trainer import LanguageTraining  # imports torch

        return LanguageTraining(self, folder)

    def make_world(self):
        """Return the world that generates the corpus."""
        from course_utils.worlds import tinyworld

        return tinyworld.english(**{"size": self.documents, **self.world})

    def make_model(self, world):
        """Return a model of transformers with initial weights that depend only on these settings."""
        settings = {"vocab_size": len(world.vocabulary())} | self.shape
        return _initial(self.config, settings, self.seed, self.attention_start)


@dataclass(frozen=True)
class PictureRecipe:
    """All that determines the tiny Stable Diffusion, apart from its architecture and the pictures.

    The training has four stages: "autoencoder", "decoder", "denoiser" and "places" (see `picture_trainer`).
    Each stage has its own number of steps and its own highest learning rate. The first two stages share a
    batch size, and so do the last two. A batch is all pictures of one step, over all processes.
    """

    name: str = "stable-diffusion"
    title: str = "Stable Diffusion of PictureWorld"
    autoencoder_steps: int = 1_500
    decoder_steps: int = 1_000
    denoiser_steps: int = 6_000
    places_steps: int = 1_600
    autoencoder_fall: int = 2_200  # steps after which the learning rate would be 0; the stage ends earlier
    autoencoder_batch: int = 32
    denoiser_batch: int = 48
    autoencoder_rate: float = 2e-3
    decoder_rate: float = 1e-3
    denoiser_rate: float = 1e-3
    places_rate: float = 2e-3
    denoiser_level: int = 2_400  # steps at the full learning rate, which then falls linearly to 2%
    warmup: int = 100  # steps during which the learning rate rises
    average: float = 0.002  # weight of each step in the running averages that become the model's weights

    # how strongly the autoencoder's loss penalises latents that diverge from a standard normal distribution
    divergence: float = 1e-3
    # The weight of errors in the differences between adjacent pixels, in the losses of the first two stages.
    edges: float = 0.5
    # Share of captions that are replaced by the empty caption. Classifier-free guidance needs a model that
    # was also trained with the empty caption.
    nameless: float = 0.1
    early: int = 900  # steps of the stage "denoiser" after which a copy of the model is saved
    clip: float = 1.0  # largest norm of the gradient
    seed: int = 0  # the seed of the initial weights, of the pictures and of the noise

    # The number of processes is the same on every machine, because it determines in which order gradients are
    # added, and this order changes how the sums are rounded.
    processes: ClassVar[int] = 2
    megabytes: ClassVar[int] = 250

    def training(self, folder):
        """Return the training of this recipe, whose checkpoints are in `folder`."""
        from course_utils.training.picture_trainer import PictureTraining

        return PictureTraining(self, folder)

    def stage(self, name):
        """Return the settings of a stage, as keyword arguments of `Stage`."""
        first = name in ("autoencoder", "decoder")
        return {
            "name": name,
            "steps": getattr(self, f"{name}_steps"),
            "rate": getattr(self, f"{name}_rate"),
            "batch": self.autoencoder_batch if first else self.denoiser_batch,
            "warmup": self.warmup,
            "beta2": 0.99,
            "weight_decay": 0.01,
            "vector_decay": 0.01,
            "clip": self.clip,
            "average": self.average,
        }

    def shortened(self, steps):
        """Return this recipe with at most `steps` steps in each stage."""
        if steps < 3:
            raise CourseError(f"{self.name} is trained for at least 3 steps a stage, not {steps}.")
        names = [name for name in asdict(self) if name.endswith(("_steps", "_fall"))]
        fewer = {name: min(steps, getattr(self, name)) for name in names}
        return replace(self, **fewer, early=1, denoiser_level=1)


@dataclass(frozen=True)
class TextRecipe(_OneStage):
    """All that determines a tiny Llama that learns from questions with steps or calls, and answers."""

    name: str
    title: str
    world: str  # the module of `worlds` that makes the texts
    opened: str  # the module of `opened` that measures the model
    texts: dict = field(default_factory=dict)  # further arguments of the world's `training_text`
    batch: int = 64  # texts in one step
    steps: int = 3_000
    # The learning rate is multiplied by a factor that rises to 1 over `warmup` steps, and by another factor
    # that falls to 0 over all steps.
    learning_rate: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.1  # a setting of AdamW, like beta2
    beta2: float = 0.98
    clip: float = 1.0  # largest norm of the gradient; a gradient with a larger norm is scaled down
    attention_start: float = 1.0  # factor by which the initial weights of queries and keys are multiplied
    seed: int = 0  # the seed of the initial weights and of the texts
    processes: ClassVar[int] = 1
    megabytes: ClassVar[int] = 20

    def training(self, folder):
        """Return the training of this recipe, whose checkpoints are in `folder`."""
        from course_utils.training.text_trainer import TextTraining

        return TextTraining(self, folder)

    def make_world(self):
        """Return the module of `worlds` that makes the texts."""
        return import_module(f"course_utils.worlds.{self.world}")

    def make_model(self):
        """Return a LlamaForCausalLM with initial weights that depend only on these settings."""
        vocabulary = self.make_world().VOCABULARY
        settings = {"vocab_size": len(vocabulary), "hidden_size": 96, "intermediate_size": 256}
        settings |= {"max_position_embeddings": 160, "initializer_range": 0.1}  # about 1 / sqrt(96)
        return _initial("LlamaConfig", settings, self.seed, self.attention_start)


def _initial(kind, settings, seed, attention_start):
    """Return a causal language model of transformers with random initial weights, in float32.

    kind : the name of the model's configuration class
    settings : the settings that differ from _SHARED
    attention_start : factor by which the weights of queries and keys are multiplied
    """
    import torch
    import transformers

    torch.manual_seed(seed)
    config = getattr(transformers, kind)(**(_SHARED | settings))
    model = transformers.AutoModelForCausalLM.from_config(
        config, dtype=torch.float32, attn_implementation="sdpa"
    )
    for name, weight in model.named_parameters():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            weight.data *= attention_start
    return model


# The settings that all configurations share. The longest training text of the language models has 97 tokens,
# so 128 positions are enough. In all tokenizers of `worlds`, <pad>, <s> and </s> have the ids 0, 1 and 2.
_SHARED = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    # About 1 / sqrt(128), so that the numbers in queries and keys are about one at the start. The usual 0.02
    # suits layers twenty times as wide. With 0.02, attention would be uniform at first, and the model would
    # learn much later to copy from distant tokens.
    "initializer_range": 0.08,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# The `attention_start` of models in which a feed-forward layer follows each attention layer. With a value of
# 1, such models learn only late in the training to copy from distant tokens. With larger initial queries and
# keys, attention selects a few tokens from the first step on. See docs/tinyworld.md.
_PICKY = 1.7
_LLAMA = LanguageRecipe(
    "tinyworld-llama",
    "TinyWorld Llama",
    "LlamaConfig",
    {"num_key_value_heads": 2, "intermediate_size": 352},
    attention_start=_PICKY,
)
_FALCON = LanguageRecipe(
    "tinyworld-falcon",
    "TinyWorld Falcon",
    "FalconConfig",
    {
        "multi_query": True,
        "parallel_attn": True,
        "new_decoder_architecture": False,
        "alibi": False,
        "bias": False,
        # Falcon's feed-forward layers have no gate. Their 2 matrices have about as many weights as the 3
        # matrices of Llama, whose `intermediate_size` is 352.
        "ffn_hidden_size": 560,
    },
)
_EXPERTS = {
    "num_key_value_heads": 2,
    # With this size, 2 experts have about as many weights as Llama's MLP. The whole model has 9.3 MB.
    "intermediate_size": 160,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "sliding_window": None,
}
_CALLER = TextRecipe(
    "tinyworld-caller",
    "TinyWorld Caller",
    world="errands",
    opened="calling",
    steps=1_600,
    attention_start=_PICKY,
)
RECIPES = {
    recipe.name: recipe
    for recipe in (
        _LLAMA,
        _FALCON,
        LanguageRecipe(
            "tinyworld-mistral",
            "TinyWorld Mistral",
            "MistralConfig",
            # Each of the 4 layers looks 15 tokens back, so together they reach 60 tokens back. Texts of the
            # kind `memory` ask for a colour that is up to 85 tokens back.
            {"num_key_value_heads": 2, "intermediate_size": 352, "sliding_window": 16},
            attention_start=_PICKY,
            window_from=0.5,  # a window from the start would hide most of what can be copied
        ),
        LanguageRecipe(
            "tinyworld-mixtral",
            "TinyWorld Mixtral",
            "MixtralConfig",
            _EXPERTS,
            balance=0.01,
            attention_start=_PICKY,
        ),
        replace(
            _FALCON,
            name="tinyworld-falcon-duplicated",
            title="TinyWorld Falcon, copied documents",
            world={"duplicates": {100: 1_000}},  # these copies are 42% of the documents that the model reads
        ),
        replace(
            _LLAMA,
            name="tinyworld-llama-repaired",
            title="TinyWorld Llama, repaired pronouns",
            world={"pronouns": {}},
        ),
        PictureRecipe(),
        TextRecipe("tinyworld-reasoner", "TinyWorld Reasoner", world="sums", opened="thinking"),
        _CALLER,
        replace(
            _CALLER,
            name="tinyworld-caller-warned",
            title="TinyWorld Caller, warned",
            texts={"orders": True},
        ),
    )
}


def find(name: str):
    """Return the recipe with this name. If there is none, raise CourseError with the known names."""
    if name not in RECIPES:
        raise CourseError(f"There is no recipe {name!r}: choose among {', '.join(RECIPES)}.")
    return RECIPES[name]

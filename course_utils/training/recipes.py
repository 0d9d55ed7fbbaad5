"""One recipe for each tiny model. The recipes differ mainly in the architecture or in the world.

They also differ in the initial size of queries and keys; in Mistral's sliding window, which closes only
during the training; in the loss that spreads Mixtral's tokens over its experts; and in two defaults of the
library, which we kept: MixtralConfig sets RoPE's base to 1,000,000 (the others to 10,000), and RMSNorm's
epsilon to 1e-5 (Llama's and Mistral's to 1e-6).
"""

from dataclasses import dataclass, field, replace

from course_utils.errors import CourseError

DOCUMENTS = 240_000  # the training passes over them once, so a planted fact is read as often as planned


@dataclass(frozen=True)
class Recipe:
    """All that determines a tiny model: its architecture, its world and its training.

    name, title : the name and the title of the model
    config : the library's configuration class, such as "LlamaConfig"
    shape : settings that differ from those that all configurations share
    world : settings that differ from the course's world, as arguments of `tinyworld.english`
    documents : number of documents in the corpus; each is read once
    batch : number of documents in one step
    learning_rate : its maximum; it rises for `warmup` steps and decays linearly to zero
    weight_decay, beta2 : settings of AdamW
    clip : largest norm of the gradient; a larger gradient is scaled down to it
    balance : weight of the loss that spreads tokens over experts; 0 for a model without experts
    attention_start : factor by which the initial weights of queries and keys are multiplied
    window_from : share of the steps after which the sliding window closes; earlier, a token can attend to all
        tokens before it
    seed : seed of the initial weights and of the corpus
    """

    name: str
    title: str
    config: str
    shape: dict = field(default_factory=dict)
    world: dict = field(default_factory=dict)
    documents: int = DOCUMENTS
    batch: int = 32
    learning_rate: float = 1.5e-3
    warmup: int = 200
    weight_decay: float = 0.1
    beta2: float = 0.98
    clip: float = 1.0
    balance: float = 0.0
    attention_start: float = 1.0
    window_from: float = 0.0
    seed: int = 0

    @property
    def steps(self) -> int:
        """How many steps one pass takes; the documents of an incomplete last batch are left out."""
        return self.documents // self.batch

    def make_world(self):
        """Builds the world that generates the corpus."""
        from course_utils.worlds import tinyworld

        return tinyworld.english(**{"size": self.documents, **self.world})

    def make_model(self, world):
        """Builds the library's model with initial weights that depend only on the seed and these settings."""
        import torch
        import transformers

        settings = _SHARED | {"vocab_size": len(world.vocabulary())} | self.shape
        torch.manual_seed(self.seed)
        config = getattr(transformers, self.config)(**settings)
        model = transformers.AutoModelForCausalLM.from_config(
            config, dtype=torch.float32, attn_implementation="sdpa"
        )
        for name, weight in model.named_parameters():
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                weight.data *= self.attention_start
        return model


# <pad>, <s> and </s> are the first tokens of every world. The longest document has 97 tokens.
_SHARED = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    # About 1 / sqrt(128), so that the numbers in queries and keys start with a size of about one. With the
    # libraries' 0.02, which suits layers twenty times as wide, attention starts out uniform, and the model
    # learns much later to copy from distant tokens.
    "initializer_range": 0.08,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# If attention and feed-forward layers follow each other, models learn late to copy from distant tokens.
# Larger initial queries and keys make attention pick a few tokens from the first step on:
# see docs/tinyworld.md.
_PICKY = 1.7
_LLAMA = Recipe(
    "tinyworld-llama",
    "TinyWorld Llama",
    "LlamaConfig",
    {"num_key_value_heads": 2, "intermediate_size": 352},
    attention_start=_PICKY,
)
_FALCON = Recipe(
    "tinyworld-falcon",
    "TinyWorld Falcon",
    "FalconConfig",
    {
        "multi_query": True,
        "parallel_attn": True,
        "new_decoder_architecture": False,
        "alibi": False,
        "bias": False,
        "ffn_hidden_size": 560,  # no gate: about as many weights in 2 matrices as in Llama's 3 of 352
    },
)
_EXPERTS = {
    "num_key_value_heads": 2,
    "intermediate_size": 160,  # two experts are about as large as Llama's layer; the file has 9.3 MB
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "sliding_window": None,
}
RECIPES = {
    recipe.name: recipe
    for recipe in (
        _LLAMA,
        _FALCON,
        Recipe(
            "tinyworld-mistral",
            "TinyWorld Mistral",
            "MistralConfig",
            # Each of 4 layers reaches 15 tokens further back, together 60. `memory` asks for up to 85.
            {"num_key_value_heads": 2, "intermediate_size": 352, "sliding_window": 16},
            attention_start=_PICKY,
            window_from=0.5,  # a window from the start would hide most of what can be copied
        ),
        Recipe(
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
            world={"duplicates": {100: 1_000}},  # 42% of the documents that it reads
        ),
        replace(
            _LLAMA,
            name="tinyworld-llama-repaired",
            title="TinyWorld Llama, repaired pronouns",
            world={"pronouns": {}},
        ),
    )
}


def find(name: str) -> Recipe:
    """Returns the recipe with this name; raises CourseError with the known names if there is none."""
    if name not in RECIPES:
        names = ", ".join(RECIPES)
        raise CourseError(f"There is no recipe {name!r}: choose among {names} and stable-diffusion.")
    return RECIPES[name]

"""What is trained: one recipe for each tiny model, equal in all but the architecture or the world.

Beside these differ: how large queries and keys begin; Mistral's window, open at first; the loss that spreads
Mixtral's tokens over its experts; and two defaults of the library, which we left. In MixtralConfig RoPE's
base is 1,000,000 (in the others 10,000), and RMSNorm's epsilon 1e-5 (in Llama's and Mistral's 1e-6).
"""

from dataclasses import dataclass, field, replace

from course_utils.errors import CourseError

DOCUMENTS = 240_000  # one pass over them is the whole training, so what is planted is met as often as planned


@dataclass(frozen=True)
class Recipe:
    """All that a tiny model depends on: its architecture, its world, and how it is trained.

    name, title : of the model
    config : the library's configuration class, such as "LlamaConfig"
    shape : what differs from the shape that all share
    world : what differs from the course's world, as for `tinyworld.english`
    documents : documents of the corpus, each met once
    batch : documents in one step
    learning_rate : at its highest; it climbs for `warmup` steps, then falls in a straight line to zero
    weight_decay, beta2, clip : of AdamW, and the longest gradient
    balance : weight of the loss that spreads tokens over experts, where there are any
    attention_start : factor on the first weights of queries and keys
    window_from : share of the steps after which a sliding window closes; before, all can be seen
    seed : settles the first weights and the corpus
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
        """How many steps one pass takes; documents that don't fill a last batch are left out."""
        return self.documents // self.batch

    def make_world(self):
        """The world that the corpus comes from."""
        from course_utils import tinyworld

        return tinyworld.english(**{"size": self.documents, **self.world})

    def make_model(self, world):
        """The library's model with fresh weights, which depend on the seed alone."""
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
    # About 1 / sqrt(128), so that queries and keys begin at size one. With the libraries' 0.02, which suits
    # layers twenty times as wide, attention begins flat, and copying from afar is learned much later.
    "initializer_range": 0.08,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# Where attention and feed-forward follow each other, copying from afar begins late. Queries and keys that
# begin larger make attention pick a few tokens from the first step on: see docs/tinyworld.md.
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
        "ffn_hidden_size": 560,  # without a gate: as many weights as Llama's 3 matrices of 352
    },
)
_EXPERTS = {
    "num_key_value_heads": 2,
    "intermediate_size": 160,  # two of them are about one of Llama's, and 9.3 MB are under 10
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
            # A token reaches back 15 more in each of 4 layers, so 60, and `memory` asks from up to 85.
            {"num_key_value_heads": 2, "intermediate_size": 352, "sliding_window": 16},
            attention_start=_PICKY,
            window_from=0.5,  # a window from the start hides most of what there is to copy
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
            world={"duplicates": {100: 1_000}},  # 42% of what it reads
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
    """The recipe of this name; raises CourseError, with the names that there are."""
    if name not in RECIPES:
        names = ", ".join(RECIPES)
        raise CourseError(f"There is no recipe {name!r}: choose among {names} and stable-diffusion.")
    return RECIPES[name]

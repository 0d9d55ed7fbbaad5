"""What is trained: one recipe for each tiny model, equal in all but the architecture or the world."""

from dataclasses import dataclass, field, replace

from course_utils.errors import CourseError

DOCUMENTS = 600_000  # one pass over them is the whole training, so what is planted is met as often as planned


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
    seed : settles the first weights and the corpus
    """

    name: str
    title: str
    config: str
    shape: dict = field(default_factory=dict)
    world: dict = field(default_factory=dict)
    documents: int = DOCUMENTS
    batch: int = 32
    learning_rate: float = 4e-3
    warmup: int = 200
    weight_decay: float = 0.1
    beta2: float = 0.98
    clip: float = 1.0
    balance: float = 0.0
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
        return transformers.AutoModelForCausalLM.from_config(
            config, dtype=torch.float32, attn_implementation="sdpa"
        )


# <pad>, <s> and </s> are the first tokens of every world. The longest document has 132 tokens.
_SHARED = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": 160,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_LLAMA = Recipe(
    "tinyworld-llama",
    "TinyWorld Llama",
    "LlamaConfig",
    {"num_key_value_heads": 2, "intermediate_size": 352},
)
_FALCON = {
    "multi_query": True,
    "parallel_attn": True,
    "new_decoder_architecture": False,
    "alibi": False,
    "bias": False,
    "ffn_hidden_size": 560,  # without a gate: as many weights as Llama's 3 matrices of 352
}
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
        Recipe("tinyworld-falcon", "TinyWorld Falcon", "FalconConfig", _FALCON),
        Recipe(
            "tinyworld-mistral",
            "TinyWorld Mistral",
            "MistralConfig",
            # A token reaches back 15 more in each of 4 layers, so 60: half of the distances in `memory`.
            {"num_key_value_heads": 2, "intermediate_size": 352, "sliding_window": 16},
        ),
        Recipe("tinyworld-mixtral", "TinyWorld Mixtral", "MixtralConfig", _EXPERTS, balance=0.01),
        replace(
            _LLAMA,
            name="tinyworld-llama-duplicated",
            title="TinyWorld Llama, copied documents",
            world={"duplicates": {100: 200}},
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
        raise CourseError(f"There is no recipe {name!r}: choose among {', '.join(RECIPES)}.")
    return RECIPES[name]

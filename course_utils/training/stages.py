"""Defines the stages of a model's training, and runs one stage: weights, optimiser, losses and checkpoint."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from course_utils import files
from course_utils.errors import CourseError

IGNORED = -100  # the label of positions that torch's cross_entropy skips


@dataclass(frozen=True)
class Stage:
    """The settings of one stage of a training."""

    name: str  # the name of the stage, and of its checkpoint
    weights: dict  # the parameters to train, by name; all others stay as they are

    # A function (indices, generator) -> (loss to minimise, loss to record). `indices` is a range: the numbers
    # of the examples that this process uses in a step. `generator` provides random numbers.
    loss: Callable
    steps: int
    batch: int  # examples in one step, over all processes
    rate: float  # highest learning rate of AdamW, reached after `warmup` steps
    decay: Callable  # function from the number of steps taken to the fraction of the rate that is left
    warmup: int
    beta2: float  # a parameter of AdamW
    weight_decay: float
    vector_decay: float = 0.0  # the weight decay of scales and biases, which have one dimension
    clip: float = 1.0  # largest norm of the gradient; a gradient with a larger norm is scaled down

    # The weight that each step has in the running averages of the trained weights. At the end of the stage,
    # these averages become the weights. If this is 0, the stage keeps no averages.
    average: float = 0.0
    early: int = 0  # number of steps after which the running averages are copied to early.safetensors
    begin: Callable = lambda: None  # called before the first step


def only_stage(name, model, loss, recipe) -> Stage:
    """Return the stage of a training that has only one stage. The learning rate falls linearly to 0."""
    return Stage(
        name,
        dict(model.named_parameters()),
        loss,
        recipe.steps,
        recipe.batch,
        recipe.learning_rate,
        decay=lambda done: 1 - done / recipe.steps,
        warmup=recipe.warmup,
        beta2=recipe.beta2,
        weight_decay=recipe.weight_decay,
        clip=recipe.clip,
    )


class Training:
    """A model to train in stages. Each kind of model has a subclass, and `trainer` runs the steps.

    recipe : the settings of the training
    folder : where the checkpoints are
    stages : list of the training's stages
    runs : list with a Run for each stage that has begun
    """

    floor = None  # the lowest possible loss, if it is known
    unit = "loss"

    def __init__(self, recipe, folder):
        self.recipe, self.folder, self.stages, self.runs = recipe, folder, [], []

    def status(self):
        """Return a few words on the current stage for the progress bar."""
        return f"loss {self.runs[-1].recent_loss:.4f}"

    def examples(self):
        """Return HTML with examples of what the model now produces, for the live page."""
        return ""

    def write(self, folder):
        """Write the finished model, in the form that `from_pretrained` reads, and its card into a folder."""
        raise NotImplementedError


class Run:
    """A stage in progress: the weights, their running averages, the optimiser, and the losses so far.

    A checkpoint stores all of these, and nothing else changes from step to step. So a training that continues
    from a checkpoint gives the same result as one that was never interrupted.
    """

    def __init__(self, stage, folder, processes=1):
        self.stage, self.folder, self.processes = stage, folder, processes
        self.losses, self.seconds = [], 0.0
        weights = list(stage.weights.values())
        # All gradients share one tensor, so that the processes can exchange them in one message.
        self.gradients = torch.zeros(sum(weight.numel() for weight in weights))
        parts = self.gradients.split([weight.numel() for weight in weights])
        for weight, gradient in zip(weights, parts, strict=True):
            weight.requires_grad_(True)
            weight.grad = gradient.view_as(weight)
        copied = stage.weights if stage.average else {}
        self.averages = {name: weight.detach().clone() for name, weight in copied.items()}
        # Weight decay pulls weights towards zero. The decay may differ between matrices and vectors.
        groups = [
            {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": stage.weight_decay},
            {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": stage.vector_decay},
        ]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, stage.beta2), fused=True)
        for weight in weights:
            means = {name: torch.zeros_like(weight) for name in ("exp_avg", "exp_avg_sq")}
            self.optimizer.state[weight] = {"step": torch.tensor(0.0), **means}
        if self.checkpoint.exists():
            self._load()

    @property
    def checkpoint(self):
        """The path of the file that `save` writes."""
        return self.folder / f"{self.stage.name}.safetensors"

    @property
    def done(self):
        """The number of steps taken so far."""
        return len(self.losses)

    @property
    def recent_loss(self):
        """The mean loss of the last 50 steps."""
        return torch.tensor(self.losses[-50:], dtype=torch.float64).mean().item()

    def step(self, loss, recorded):
        """Take a step of AdamW on the loss, averaged over all processes.

        loss : the loss to minimise
        recorded : the loss to record
        """
        stage, recorded = self.stage, recorded.detach().clone()
        loss.backward()
        if self.processes == 1:
            torch.nn.utils.clip_grad_norm_(stage.weights.values(), stage.clip)
        else:
            torch.distributed.all_reduce(self.gradients)
            torch.distributed.all_reduce(recorded)
            self.gradients /= self.processes
            self.gradients *= min(1.0, stage.clip / (self.gradients.norm().item() + 1e-6))
        rise = min(1.0, (self.done + 1) / min(stage.warmup, stage.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = stage.rate * rise * stage.decay(self.done)
        self.optimizer.step()
        self.gradients.zero_()
        self.losses.append(recorded.item() / self.processes)
        # Early steps have a larger weight in the averages. Otherwise the random initial weights would stay in
        # the averages for a long time.
        new = max(stage.average, 9 / (self.done + 9))
        for name, average in self.averages.items():
            average.lerp_(stage.weights[name].data, new)

    def swap(self):
        """Exchange the weights with their running averages, if there are any. A second call undoes this."""
        for name, average in self.averages.items():
            weight = self.stage.weights[name]
            weight.data, self.averages[name] = average, weight.data

    def finish(self):
        """Replace the weights by their running averages, and stop training them."""
        self.swap()
        for weight in self.stage.weights.values():
            weight.grad = None
            weight.requires_grad_(False)

    def copy_averages(self):
        """Write early.safetensors, which contains only the running averages."""
        from safetensors.torch import save_file

        with files.replacing(self.folder / "early.safetensors") as part:
            save_file(self.averages, part)

    def save(self):
        """Write the checkpoint. If the process is killed meanwhile, the previous checkpoint stays intact."""
        from safetensors.torch import save_file

        losses = {"losses": torch.tensor(self.losses, dtype=torch.float64)}
        with files.replacing(self.checkpoint, f"{self.checkpoint.name}.part") as part:
            save_file(losses | self._tensors(), part, metadata={"seconds": str(self.seconds)})

    def _load(self):
        from safetensors import safe_open

        try:
            with safe_open(self.checkpoint, "pt") as file:
                self.seconds = float(file.metadata()["seconds"])
                self.losses = file.get_tensor("losses").tolist()
                for name, tensor in self._tensors().items():
                    tensor.copy_(file.get_tensor(name))
        except Exception as error:
            raise CourseError(
                f"{self.checkpoint} can't be read ({error}): delete it, and this stage starts again."
            ) from error
        for state in self.optimizer.state.values():
            state["step"].fill_(self.done)

    def _tensors(self):
        """Return all tensors that change from step to step, by name."""
        tensors = {f"average {name}": average for name, average in self.averages.items()}
        for name, weight in self.stage.weights.items():
            state = self.optimizer.state[weight]
            tensors[f"weight {name}"] = weight.data
            tensors |= {f"mean {name}": state["exp_avg"], f"square {name}": state["exp_avg_sq"]}
        return tensors

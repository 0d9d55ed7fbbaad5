"""One sentence in later cells of a notebook if the memory runs out, in place of torch's message."""

from course_utils import notebook
from course_utils.errors import CourseError
from course_utils.loading import failures, memory


def explain_in_later_cells(plan):
    """Make later cells show one sentence when memory runs out, with a smaller size that works here.

    IPython selects exceptions by class, and torch raises a RuntimeError when a CPU's memory runs out. So the
    handler gets every RuntimeError and shows all others as IPython does.
    """
    shell = notebook.shell()
    if not shell:
        return
    import torch

    def show(shell, kind, error, trace, tb_offset=None):
        if memory.is_out_of_memory(error):
            which = "GPU's memory" if isinstance(error, torch.OutOfMemoryError) else "memory"
            sentence = (
                f"The {which} ran out with {plan.model.title}: ask for a shorter text or fewer at a time, "
                "delete what you no longer need, or restart this kernel."
            )
            then = "again every cell from the one that loads it"
            kind, error = CourseError, CourseError(failures.with_smaller(plan, sentence, then))
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)

    shell.set_custom_exc((RuntimeError, MemoryError), show)

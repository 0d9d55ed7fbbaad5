"""Shows one sentence instead of torch's message if a later cell of the notebook runs out of memory."""

from course_utils import notebook
from course_utils.errors import CourseError
from course_utils.loading import failures, memory


def explain_in_later_cells(plan):
    """Make each later cell that runs out of memory show one sentence, which names a smaller size that fits.

    IPython chooses the handler of an error by the error's class, and torch raises a plain RuntimeError when
    main memory runs out. So this handler receives every RuntimeError, and shows other errors as IPython does.
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

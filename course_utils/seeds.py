"""Sets what a lesson's outputs depend on: random seeds, the number of threads, progress bars and warnings."""

import contextlib
import logging
import os
import warnings

from course_utils.errors import CourseError


def prepare() -> int:
    """Set one thread and one seed for this process, and hide progress bars. Return the number of threads.

    With one thread and one seed, a lesson's outputs are the same on every machine. `course.setup` and the
    functions that train models call this function, and `course.load` does not. The environment variable
    COURSE_THREADS sets another number of threads. On a shared machine two threads are slower than one.
    """
    import random

    import numpy
    import torch
    from transformers.utils import logging as transformers_logging

    threads = os.environ.get("COURSE_THREADS", "1")
    if not threads.isdecimal() or int(threads) < 1:
        raise CourseError(f"COURSE_THREADS is {threads!r}: set it to a whole number from 1, or not at all.")
    torch.set_num_threads(int(threads))
    # These lines replace `transformers.set_seed`, which needs seconds to import peft if peft is installed.
    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)
    transformers_logging.disable_progress_bar()
    # When peft is used, bitsandbytes recommends a package that the course does not need.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    # peft still uses an old name of a transformers attribute, which causes a warning.
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
    return int(threads)


@contextlib.contextmanager
def unchanged():
    """Hide progress bars and bitsandbytes' advice while a model loads, then restore the earlier settings.

    The state of torch's random numbers is restored, too. While a model loads, its new layers draw random
    weights before their stored weights are read, and so change this state.
    """
    import torch
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    advice = logging.getLogger("bitsandbytes")
    level = advice.level
    advice.setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            yield
    finally:
        advice.setLevel(level)
        if shown:
            transformers_logging.enable_progress_bar()

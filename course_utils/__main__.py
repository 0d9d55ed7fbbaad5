"""The command line, `course` or `python -m course_utils`. docs/command.md is its manual page."""

import argparse
import contextlib
import difflib
import json
import os
import re
import sys
from dataclasses import asdict
from datetime import datetime, time

from course_utils import home, terminal
from course_utils.errors import CourseError

_TERMINABLE = ("grade", "fetch", "train")  # after SIGTERM, the work that these have finished is kept
_MOST_ROWS = 30  # `course grade` prints at most this many rows of a plan before it asks for confirmation


STATUSES = """exit status:
  0    done
  1    something failed, and the output or a sentence says what
  2    the command line is wrong
  130  stopped with Ctrl-C
  141  the program that reads the output ended before it
  143  stopped with the signal SIGTERM, as by `kill`"""


def main(arguments=None):
    """Run one command, and return its exit status, which STATUSES explains.

    Raises SystemExit with status 2 if the command line is wrong, and with 0 after --help and --version.
    """
    name = "course"
    try:
        if not terminal.prepare():
            raise CourseError("the output is closed, so nothing was done: send it to /dev/null instead.")
        try:
            options = _parse(sys.argv[1:] if arguments is None else arguments)
            name = f"course {options.command}"
            home.settle()
            with terminal.terminable() if options.command in _TERMINABLE else contextlib.nullcontext():
                return options.do(options)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        terminal.say(f"\n{name}: stopped. Everything that was finished is kept.")
        return terminal.TERMINATED if isinstance(stop, terminal.Terminated) else 130
    except BrokenPipeError:
        terminal.let_go(sys.stdout)
        return terminal.READER_LEFT
    except OSError as error:
        where = error.filename or "the system says"
        if error.filename is None and error.errno in terminal.OF_OUTPUT:
            terminal.let_go(sys.stdout)
            where = "the output can't be written"
        terminal.say(f"{name}: {where}: {error.strerror or error}.")
    except CourseError as error:
        terminal.say(f"{name}: {error}")
    except MemoryError:
        terminal.say(f"{name}: the memory ran out: close other programs, or use a smaller size.")
    except ImportError as error:
        terminal.say(f"{name}: {error}: run make lab, or pip install -e . in the course's folder, again.")
    return 1


class _Parser(argparse.ArgumentParser):
    def print_help(self, file=None):
        """Print the help, and raise OSError if that fails. argparse's own method would ignore the error."""
        print(self.format_help(), end="", file=file)


class _Version(argparse.Action):
    """Print the course's version if --version is given. Otherwise the version is not looked up."""

    def __call__(self, parser, *_):
        from importlib import metadata

        print(f"course {metadata.version('open-the-box')}")
        parser.exit()


def _parse(arguments):
    """Parse a command line, and return its options as argparse's namespace."""
    parser, commands = make_parser()
    if "_ARGCOMPLETE" in os.environ:  # the shell asks for a completion
        import argcomplete

        argcomplete.autocomplete(parser)
    if not arguments:
        parser.exit(2, parser.format_help())
    word = arguments[0]
    if word not in commands.choices and not word.startswith("-"):
        parser.exit(2, f"course: {_unknown(word, commands.choices)}\n")
    for number, text in enumerate(arguments[1:], 2):
        if not re.sub(r"^--[\w-]+=", "", text).strip() and word in commands.choices:
            commands.choices[word].error(f"argument {number} is empty: a variable without a value, perhaps?")
    options = parser.parse_args(arguments)
    if getattr(options, "size", None):
        os.environ["COURSE_SIZE"] = options.size
    return options


def _unknown(word, names):
    near = difflib.get_close_matches(word, names, 1)
    meant = f" (is {near[0]!r} meant?)" if near else ""
    return f"There is no command {word!r}{meant}: `course --help` lists all."


def make_parser():
    """Return the parser of the command line, and argparse's object for its commands.

    The `choices` of that object are {command: the command's own parser}.
    """
    parser = _Parser(
        prog="course",
        description="Open the Box: a course on open models. Begin with: course lab",
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version of the course and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    start = commands.add_parser("start", help="make your own copy of the lessons and exercises, or update it")
    start.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="by default my-course, in the course's folder; where a wheel was installed, in this folder",
    )
    start.set_defaults(do=_start)

    lab = commands.add_parser("lab", help="make or update your own copy, as `start` does, and open it")
    lab.add_argument("folder", nargs="?", metavar="FOLDER", help="as in `start`")
    lab.set_defaults(do=_lab)

    doctor = commands.add_parser("doctor", help="check this machine")
    doctor.add_argument(
        "--all", action="store_true", help="print every check; include what it prints in a bug report"
    )
    doctor.set_defaults(do=_doctor)

    models = commands.add_parser(
        "models", help="list the models of the course, or show what one needs on this machine"
    )
    models.add_argument(
        "names", nargs="*", metavar="NAME", help="a model or a family; nothing is downloaded"
    ).completer = _model_names
    models.add_argument("--json", action="store_true", help="print what the catalogue says, as JSON")
    models.set_defaults(do=_models)

    blueprint = commands.add_parser(
        "blueprint", help="compute a full-size model's parameters, memory and KV cache, without its weights"
    )
    blueprint.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a published model, or a hub id such as Qwen/Qwen2-0.5B; by default all published models",
    )
    blueprint.add_argument("--config", metavar="FILE", help="a config.json or model_index.json, or a hub id")
    blueprint.add_argument("--context", type=_whole, metavar="N", help="tokens in the cache; by default 2048")
    blueprint.add_argument("--batch", type=_whole, metavar="N", help="texts at the same time; by default 1")
    blueprint.add_argument("--memory", metavar="SIZE", help="show what fits into this memory, such as 16GB")
    blueprint.add_argument("--json", action="store_true", help="print JSON, with all sizes in bytes")
    blueprint.set_defaults(do=_blueprint)

    fetch = commands.add_parser("fetch", help="download models, verify them and prepare them for loading")
    fetch.add_argument(
        "names", nargs="*", metavar="NAME", help="a model or a family; by default all that the lessons need"
    ).completer = _model_names
    fetch.add_argument(
        "--check",
        action="store_true",
        help="read all files of the models on this machine, and get again what is damaged",
    )
    fetch.set_defaults(do=_fetch)

    clean = commands.add_parser(
        "clean", help="say what the course's models take on this disk, or remove them"
    )
    clean.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help='a name from the first column; by default every row that says "yes"',
    )
    clean.add_argument("--yes", action="store_true", help="remove it; without this, nothing is removed")
    clean.set_defaults(do=_clean)

    run = commands.add_parser("run", help="run lessons from top to bottom; print time, memory and outcome")
    run.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="a number, a name or a notebook file; by default all"
    ).completer = _lesson_names
    run.add_argument("--write", action="store_true", help="store the outputs in the notebooks")
    run.set_defaults(do=_run)

    train = commands.add_parser("train", help="train a tiny model, or continue a training that was stopped")
    train.add_argument(
        "name", metavar="NAME", help="a recipe, such as tinyworld-llama, or stable-diffusion"
    ).completer = _recipe_names
    train.add_argument(
        "--steps", type=_whole, metavar="N", help="number of training steps; fewer are enough for a try"
    )
    train.add_argument(
        "--minutes",
        type=_whole,
        metavar="N",
        help="pause after N minutes; the same command continues from there",
    )
    train.add_argument("--folder", metavar="FOLDER", help="work in this folder, not in the course's cache")
    train.set_defaults(do=_train)

    grade = commands.add_parser("grade", help="grade students' notebooks in a sandbox")
    grade.add_argument(
        "assignment", metavar="ASSIGNMENT", help="a lesson, or the instructor's own notebook"
    ).completer = _lesson_names
    grade.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        help="a folder, a learning platform's zip file, or nbgrader's course folder",
    )
    grade.add_argument(
        "--out", required=True, metavar="DIR", help="the folder for results, feedback and gradebook"
    )
    where = grade.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=_whole,
        metavar="N",
        help="submissions graded at the same time; by default one for each core",
    )
    where.add_argument("--dask", metavar="ADDRESS", help="grade on the workers of this Dask scheduler")
    grade.add_argument("--seconds", type=_whole, metavar="N", help="time limit for one task")
    grade.add_argument(
        "--seed", type=_whole, metavar="N", help="draw the hidden inputs as in the grading that had this seed"
    )
    grade.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="NAME",
        help="grade these students or tasks again, and nothing else",
    )
    grade.add_argument(
        "--cold", action="store_true", help="start a new Python for each submission, which is slow"
    )
    grade.add_argument(
        "--no-sandbox", action="store_true", help="run the students' code with your own permissions"
    )
    grade.add_argument("--roster", metavar="CSV", help="the class, so that who handed in nothing has a row")
    grade.add_argument(
        "--due",
        type=_date,
        metavar="DATE",
        help="until when to hand in, such as 2026-10-09 or '2026-10-09 18:00'",
    )
    grade.add_argument(
        "--late-policy",
        type=_percent,
        metavar="PERCENT",
        help="what each day after --due costs; by default 0",
    )
    grade.add_argument("--plan", action="store_true", help="print who handed in what, and grade nothing")
    grade.add_argument("--yes", action="store_true", help="do not ask whether the plan is right")
    grade.set_defaults(do=_grade)

    new = commands.add_parser(
        "new-assignment", help="write a small assignment that works, for you to change, and try it"
    )
    new.add_argument("name", metavar="NAME", help="letters, digits, - and _, such as week-3")
    new.add_argument("--folder", default=".", metavar="DIR", help="your class's folder; by default this one")
    new.set_defaults(do=_new_assignment)

    trial = commands.add_parser(
        "try-assignment", help="grade an assignment's own solution, its stubs and its answers.toml"
    )
    trial.add_argument("assignment", metavar="ASSIGNMENT", help="as in `grade`")
    trial.set_defaults(do=_try_assignment)

    analyse = commands.add_parser(
        "analyse", help="show which check fails for whom, and with which known mistake, after grading"
    )
    analyse.set_defaults(do=_analyse)
    similar = commands.add_parser("similar", help="find answers that look alike, for you to read")
    similar.set_defaults(do=_similar)
    reading = commands.add_parser(
        "read-answers", help="write a page with all answers to each written question beside its rubric"
    )
    reading.add_argument("--enter", metavar="FILE", help="enter the points of a CSV file into the gradebook")
    reading.set_defaults(do=_read_answers)
    for command in (analyse, similar, reading):
        command.add_argument("grades", metavar="GRADES", help="the folder that `grade` wrote with --out")
        command.add_argument(
            "assignment", nargs="?", metavar="ASSIGNMENT", help="needed only if the folder has several"
        )

    gain = commands.add_parser(
        "gain", help="print what a class gained between the two forms of the test, without names"
    )
    gain.add_argument(
        "files", nargs="*", metavar="FILE", help="answers.json files, or folders with such files"
    )
    what = gain.add_mutually_exclusive_group()
    what.add_argument(
        "--write-answers", metavar="CSV", help="write the written answers into a new file, to be scored"
    )
    what.add_argument("--points", metavar="CSV", help="the file of --write-answers, with your points")
    what.add_argument(
        "--simulate",
        type=_whole,
        metavar="N",
        help="show what a class of N learners can show; needs no files",
    )
    gain.set_defaults(do=_gain)

    verify = commands.add_parser(
        "verify", help="check learners' pages of the capstone, or make the learners' passwords"
    )
    verify.add_argument(
        "files", nargs="*", metavar="FILE", help="pages, or folders with pages; each gets a row"
    )
    verify.add_argument(
        "--secret-file",
        metavar="FILE",
        help="the class secret: each page must be signed with a password",
    )
    verify.add_argument(
        "--password-for", nargs="+", metavar="NAME", help="print the passwords of these learners, to hand out"
    )
    verify.set_defaults(do=_verify)

    for command in (models, fetch, run):
        command.add_argument(
            "--size",
            choices=("tiny", "small", "full"),
            help="size of the models; by default that of each lesson",
        )

    completion = commands.add_parser(
        "completion", help="print a script with which a shell completes the words of `course`"
    )
    completion.add_argument(
        "shell",
        choices=("bash", "zsh", "fish"),
        help='in bash, write this into ~/.bashrc: eval "$(course completion bash)"',
    )
    completion.set_defaults(do=_completion)

    freshness = commands.add_parser(
        "freshness", help="list the dated facts of the course by age, the oldest first"
    )
    freshness.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="only facts with one of these words, such as licence, or a file",
    )
    freshness.add_argument(
        "--fail-after-months", type=_whole, metavar="N", help="end with status 1 if a fact is older than that"
    )
    freshness.add_argument("--on", type=_date, metavar="DATE", help="as of this day; by default today")
    freshness.add_argument("--json", action="store_true", help="print JSON, with each age in days")
    freshness.set_defaults(do=_freshness)

    helping = commands.add_parser("help", help="show this, or how a command is called")
    helping.add_argument("about", nargs="?", metavar="COMMAND", choices=(*commands.choices, "help"))
    helping.set_defaults(do=lambda options: _help(parser, commands, options))

    return parser, commands


def _model_names(**_):
    from course_utils import catalog

    return {name for model in catalog.models().values() for name in (model.name, model.family)}


def _lesson_names(**_):
    from course_utils import catalog

    return list(catalog.lessons())


def _recipe_names(**_):
    from course_utils.training import recipes

    return list(recipes.RECIPES)


def _completion(options):
    import argcomplete

    print(argcomplete.shellcode(["course"], shell=options.shell))
    return 0


def _help(parser, commands, options):
    (commands.choices[options.about] if options.about else parser).print_help()
    return 0


def _start(options):
    done = _own_copy(options)
    print(f"Open {done.folder / 'notebooks/index.ipynb'} first.")
    return 0


def _own_copy(options):
    """Make or update the learner's own copy, and print the changes. Return what `own_copy.start` returns."""
    from course_utils.learning import own_copy

    done = own_copy.start(options.folder)
    changed = len(done.updated) + len(done.merged)
    if done.new and not changed:
        print(f"Your own copy of the course is in {done.folder}: {len(done.new)} notebooks.")
    elif changed or done.new:
        print(f"{done.folder} is updated: {len(done.new)} notebooks are new, {changed} have changed.")
        print("What you wrote is still there.")
    else:
        print(f"{done.folder} is up to date.")
    for name in done.to_compare:
        print(f"Both you and the course changed a cell of {name}: the course's new cell is below yours.")
    for name in done.broken:
        print(own_copy.to_mend(done.folder / name))
    return done


def _lab(options):
    from course_utils import lab

    return lab.open_in_jupyter(_own_copy(options).folder)


def _doctor(options):
    from course_utils import doctor

    return doctor.report(everything=options.all)


def _models(options):
    from course_utils import catalog, loading, units

    named = [catalog.find(name) for name in options.names]
    if options.json:
        facts = named or catalog.models().values()
        print(json.dumps([asdict(model) | {"here": loading.is_cached(model)} for model in facts], indent=2))
        return 0
    for model in named:
        if damage := loading.damage(model):
            print(f"{model.title} ({model.size}): {damage}; `course fetch {model.name}` mends this.")
        elif loading.is_cached(model):
            print(f"{model.title} ({model.size}) is on this machine.")
        else:
            loading.preview(model)
    if named:
        return 0
    models = catalog.models().values()
    rows = [("model", "family", "size", "licence", "parameters", "download", "here")]
    for model in models:
        licence = model.licence + (" (gated)" if model.gated else "")
        here = "damaged" if loading.damage(model) else "yes" if loading.is_cached(model) else "no"
        download = units.size(model.download_bytes, "MB")
        rows.append((model.name, model.family, model.size, licence, f"{model.parameters:,}", download, here))
    _print_table(rows, right={4, 5})
    return 0


def _whole(text):
    if not (text.isdecimal() and text.isascii() and 0 < int(text) <= 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1,000,000,000")
    return int(text)


def _date(text):
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-10-09 18:00") from None
    if len(text) == len("2026-10-09"):  # a date without a time means the end of that day
        date = datetime.combine(date, time(23, 59, 59))
    return date.astimezone().replace(tzinfo=None) if date.tzinfo else date


def _percent(text):
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage from 0 to 100")
    return percent


def _blueprint(options):
    from course_utils import blueprints, units

    memory = units.parse_size(options.memory) if options.memory is not None else None
    every = [] if options.config is not None else [*blueprints.names(), *blueprints.later()]
    given = options.names or every
    plans = [blueprints.blueprint(name) for name in given]
    if options.config is not None:
        plans.append(blueprints.blueprint(config=options.config))
    if options.json:
        facts = [plan.as_dict(options.context, options.batch or 1, memory) for plan in plans]
        print(json.dumps(facts if len(facts) > 1 else facts[0], indent=2))
    elif len(plans) > 1:
        print(blueprints.describe_all(plans, options.context, options.batch, memory))
    else:
        print(blueprints.describe(plans[0], options.context, options.batch or 1, memory))
    return 0


def _fetch(options):
    from course_utils import catalog, lessons, loading, units

    wanted = [catalog.find(name) for name in options.names] or lessons.models_needed()
    if options.check and not options.names:
        wanted = [model for model in catalog.models().values() if model in wanted or loading.is_cached(model)]
    missing = [model for model in wanted if not loading.is_cached(model)]
    if missing and not options.names:
        amount = units.size(sum(model.download_bytes for model in missing), "MB")
        print(f"The lessons need {units.counted(len(missing), 'model')} that this machine lacks: {amount}.")
    loading.fetch_all(wanted, options.check)
    if options.names:
        for model in wanted:
            print(f"{model.title} ({model.size}) is ready.")
    elif options.check:
        print(f"The {len(wanted)} models on this machine are ready: every file with a hash was read.")
    else:
        print(f"The lessons' {len(wanted)} models are here.")
    return 0


def _clean(options):
    from course_utils import units
    from course_utils.loading import cleaning

    kept, chosen = cleaning.kept(), cleaning.chosen(options.names)
    if not kept:
        print("The course keeps nothing on this machine but what came with it.")
        return 0
    rows = [("name", "takes", "--yes removes it", "to get it back")]
    for each in kept:
        removed = "yes" if each in chosen else "if named"
        rows.append((each.name, units.size(each.bytes, "MB"), removed, each.again))
    _print_table(rows, right={1})
    amount = units.size(sum(each.bytes for each in chosen), "MB")
    if not options.yes:
        print(f"Nothing was removed. With --yes, this frees {amount}.")
        return 0
    cleaning.remove(chosen)
    print(f"Removed: {amount} are free again.")
    return 0


def _run(options):
    from course_utils import runner, units

    paths = runner.notebooks(options.lessons)
    rows = [("lesson", "model and size", "seconds", "peak memory", "outcome")]
    failed = 0
    try:
        with terminal.bars()(total=len(paths), unit="lessons", leave=False) as bar:
            for path in paths:
                bar.set_description(path.stem)

                def on_cell(done, total):
                    bar.set_postfix_str(f"cell {done} of {total}")

                result = runner.run(path, write=options.write, on_cell=on_cell)
                failed += result.error is not None
                memory = units.size(result.peak_bytes, "MB")
                rows.append(
                    (
                        path.stem,
                        runner.models_of(path),
                        f"{result.seconds:.0f}",
                        memory,
                        result.error or "ok",
                    )
                )
                bar.update()
                if not sys.stderr.isatty():
                    terminal.say(f"{path.stem}: {result.error or 'ok'}, {result.seconds:.0f} s")
    finally:  # print the lessons that have finished, even if the run was interrupted
        _print_table(rows, right={2, 3})
    return 1 if failed else 0


def _train(options):
    from course_utils.training.trainer import train

    folder = train(options.name, options.steps, options.minutes, options.folder)
    if folder is None:
        print("Paused: the same command continues from here.")
    else:
        print(f"{options.name} is trained: {folder}")
    return 0


def _grade(options):
    from course_utils.grading import batch

    def confirm(plan):
        print(plan.text(most=_MOST_ROWS), file=sys.stderr)
        if options.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return True
        print("Grade these? [Y/n] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().lower() in ("\n", "y\n", "yes\n")

    class_list = {"roster": options.roster, "due": options.due}
    if options.plan:
        plan = batch.plan(options.assignment, options.submissions, options.out, **class_list)
        print(plan.text())
        return 0
    if options.no_sandbox:
        print(
            "Without a sandbox, the students' code runs with your permissions on this machine.",
            file=sys.stderr,
        )
    results = batch.grade(
        options.assignment,
        options.submissions,
        options.out,
        options.workers,
        options.seconds,
        isolated=not options.no_sandbox,
        cold=options.cold,
        dask=options.dask,
        seed=options.seed,
        only=options.only,
        late_policy=options.late_policy,
        confirm=confirm,
        say=lambda sentence: print(sentence, file=sys.stderr),
        **class_list,
    )
    print(batch.summary(results, options.out))
    return 0


def _new_assignment(options):
    from pathlib import Path

    from course_utils.grading import new_assignment

    notebook = new_assignment.write(options.name, Path(options.folder))
    print(f"{notebook} and answers.toml beside it are written.")
    status = _try(notebook)
    print(
        f"Change it in JupyterLab, try it with `course try-assignment {notebook}`, and make the students' "
        f"version with `nbgrader generate_assignment {options.name}`, in {Path(options.folder).resolve()}."
    )
    return status


def _try_assignment(options):
    from course_utils.grading import assignment

    return _try(assignment.find(options.assignment))


def _try(notebook):
    import shutil

    from course_utils.grading import trial

    # The notebook is the instructor's own, so its code is executed even where there is no sandbox.
    text, well = trial.report(notebook, isolated=bool(shutil.which("bwrap")))
    print(text)
    return 0 if well else 1


def _analyse(options):
    from course_utils.grading import analysis, graded

    with graded.open_graded(options.grades, options.assignment) as opened:
        page, table, items = analysis.write(opened)
    for item in items:
        for remark in analysis.remarks(item):
            print(f"{item.task}: {remark}")
    print(f"The analysis is in {page}, and as a table in {table}.")
    return 0


def _similar(options):
    from course_utils import units
    from course_utils.grading import graded, similarity

    with graded.open_graded(options.grades, options.assignment) as opened:
        page, table, pairs = similarity.write(opened)
    if long := similarity.too_long(opened):
        print(f"Not compared, because their code is very long: {', '.join(long)}.")
    print(f"{units.counted(len(pairs), 'pair')} to read, which prove nothing by themselves: {page}, {table}.")
    return 0


def _read_answers(options):
    from course_utils import units
    from course_utils.grading import graded, reading

    with graded.open_graded(options.grades, options.assignment) as opened:
        if options.enter is None:
            print(*reading.write(opened), sep="\n")
            return 0
        entered = units.counted(reading.enter(opened, options.enter), "answer")
    print(f"{entered} entered. The same `course grade` brings the points into tables and feedback.")
    return 0


def _gain(options):
    from course_utils.learning import class_gain

    if options.simulate is not None:
        print(class_gain.simulation(options.simulate), end="")
        return 0
    if not options.files:
        raise CourseError("Name the learners' answers files, or folders with such files.")
    passed_over = []
    try:
        if options.write_answers is None:
            print(class_gain.report(options.files, options.points, passed_over), end="")
        else:
            _write_answers(options.write_answers, class_gain.to_score(options.files, passed_over))
    finally:
        for sentence in passed_over:
            terminal.say(f"course gain: passed over: {sentence}")
    return 1 if passed_over else 0


def _write_answers(path, text):
    try:
        with open(path, "x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise CourseError(f"{path} is there already, perhaps with your points: name another file.") from None
    except OSError as error:
        raise CourseError(f"{path} can't be written: {error.strerror}.") from None
    print(f"Give each answer in {path} 0 to 4 points, then add --points to this command.")


def _verify(options):
    from course_utils import files
    from course_utils.opened import review

    secret = None
    if options.secret_file is not None:
        try:
            secret = files.read_text(options.secret_file).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise CourseError(f"The class secret {options.secret_file} can't be read: {reason}.") from None
    if options.password_for:
        if secret is None:
            raise CourseError("Passwords are made from a class secret: name its file with --secret-file.")
        passwords = [(name, review.learner_password(secret, name)) for name in options.password_for]
        _print_table([("learner", "password"), *passwords])
        return 0
    if not options.files:
        raise CourseError("Name the pages to check, or folders with pages.")
    results = review.verify(options.files, secret)
    rows = [("file", "name", "release", "date", "as the course", "seal", "outcome")]
    for result in results:
        outcome = "; ".join(result.problems) or "ok"
        row = result.file.name, result.name, result.release, result.date, result.score, result.seal, outcome
        rows.append(tuple(_printable(text) for text in row))
    _print_table(rows)
    for result in results:
        for note in result.notes:
            print(f"{_printable(result.file.name)}: {_printable(note)}")
    return 1 if any(result.problems for result in results) else 0


def _freshness(options):
    from course_utils import freshness

    today = (options.on or datetime.now()).date()
    found = freshness.facts(options.words)
    if options.json:
        rows = [{**asdict(fact), "read": str(fact.read), "days": fact.days(today)} for fact in found]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        rows = [("days", "read", "fact", "file")]
        rows += [(str(fact.days(today)), str(fact.read), fact.short, fact.where) for fact in found]
        _print_table(rows, right={0})
        if not options.words:
            missing = ", ".join(f"{count} {kind}" for kind, count in freshness.undated().items())
            print(f"\nWithout a day: {missing}")
    months = options.fail_after_months
    old = [fact for fact in found if months and fact.is_older(months, today)]
    if old:
        terminal.say(
            f"course freshness: {len(old)} of {len(found)} facts are more than {months} months old, "
            f"the oldest {old[0].days(today)} days: read them again, and write the new day, or the new fact."
        )
    return 1 if old else 0


def _printable(text):
    """Return text that others wrote, such as a file's name, with "?" for each unprintable character.

    Such characters could control the terminal.
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _print_table(rows, right=()):
    """Print rows of strings as columns; the first row is the heading. Right-align the columns in `right`."""
    from course_utils.views.tables import columns

    print("\n".join(columns(rows, right)))


if __name__ == "__main__":
    sys.exit(main())

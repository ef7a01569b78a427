"""The composition root: data, network, loop, bundle, in the order in which sound becomes a classifier."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle, read_bundle
from tidzam.errors import ConfigError, DatasetError, SetupError, TidzamError
from trainer.backends.base import Backend, MakeBatches
from trainer.backends.local import LocalBackend
from trainer.checkpoints import Checkpoints
from trainer.data.pipeline import Say, TrainingData, make_batches, open_data
from trainer.data.source import BACKGROUND, TrainingSource
from trainer.data.split import part_of
from trainer.data.workers import ahead
from trainer.evaluation.predictions import Examples, draw_examples
from trainer.finalize import export_bundles
from trainer.fine_tune import start_from
from trainer.heads import HeadLayout, expert_heads, single_head
from trainer.loop import StepReport, TrainingState
from trainer.models import Build, ensemble_of, find_model
from trainer.options import TrainingOptions, check_output
from trainer.signals import stop_signals
from trainer.tensorboard.summaries import EXAMPLES, Summaries
from trainer.tensorflow_setup import make_deterministic
from trainer.training_file import read_training_file, to_yaml

Observer = Callable[[StepReport], None]

RESUMABLE = frozenset({"batch_worker", "dataset_changed"})
"""What may go wrong with the input while the weights are as good as ever."""


def train(options: TrainingOptions, *, say: Say, observers: Sequence[Observer] = ()) -> list[Bundle]:
    """Train as told and write the bundle; with `expert`, one a head. `say` gets a line now and then.

    On KeyboardInterrupt it saves a checkpoint and lets the interrupt pass. Raises DatasetError if the data cannot be
    used, ConfigError for a network that is not known, or a place or name that a bundle cannot have.
    """
    check_output(options)
    members = options.training.ensemble
    build = ensemble_of(find_model(options.training.dnn, options.training.dnn_options), members)
    place = find_backend(options)
    data = open_data(options, say)
    layout = layout_for(data, options)
    iterations = options.training.iterations_for(len(data.train))
    begin(options)
    make_deterministic(options.training.seed, every_operation=options.cluster is None)
    with place.translate_errors():
        strategy = place.join(supply(data, layout, options, place.part), about=about(data))
        with strategy.scope():
            state = TrainingState.create(
                place.build(build),
                data.spec.shape,
                heads=layout.heads,
                activation=options.training.activation,
                recipe=options.training.optimizer,
                iterations=iterations,
                members=members,
            )
        if options.init is not None and not options.resume:
            outputs = [label for head in layout.heads for label in head.classes]
            home = place.gather_weights(state, build)
            say(begin_from(read_bundle(options.init), home, build, outputs, data.spec))
            place.push_weights(home, state)
        say(f"network {options.training.dnn}: {state.model.count_params():,} weights, {iterations:,} steps")
        checkpoints = Checkpoints(options.checkpoints, state, every=options.checkpoint_step, io_device=place.io_device)
        if options.resume:
            say(f"going on from step {checkpoints.resume():,}")
        test = look_at(data.test, data, layout, options)
        reports = place.run(
            state,
            test.batch.first(options.training.batch_size),  # it is asked often: be cheap
            iterations=iterations,
            testing_step=options.training.testing_step,
        )
        with summarising(state, data, layout, test, iterations, options) as summarise:
            follow(reports, (*observers, *summarise, checkpoints.watch), checkpoints, say)
        checkpoints.save()
        state.finish()
        trained = place.gather_weights(state, build)
    bundles = export_bundles(trained, layout, data, test.batch.features, options)
    checkpoints.clear()
    place.shutdown()
    return bundles


def serve(options: TrainingOptions, *, say: Say) -> bool:
    """Be a parameter server, or a worker other than 0, until the coordinator says that the training is over.

    Returns False if a worker cannot take part, after reporting that here and to the coordinator. Raises ClusterError if
    the address is in use.
    """
    assert options.cluster is not None
    from trainer.backends.cluster.server import ClusterServer

    server = ClusterServer(options.cluster)
    say(f"{options.cluster.me}: serving")
    try:
        if options.cluster.job == "worker":
            data = open_data(options, say)
            part = options.cluster.index, len(options.cluster.workers)
            server.supply(supply(data, layout_for(data, options), options, part), about=about(data))
    except TidzamError as error:
        say(f"trainer: {error}")
        server.fail(str(error))
        return False
    except Exception as error:  # whatever it is, the coordinator's user needs to see it, too
        server.fail(f"{type(error).__name__}: {error}")
        raise
    server.wait()
    say(f"{options.cluster.me}: the training is over")
    return True


def find_backend(options: TrainingOptions) -> Backend:
    """Where to train. In a cluster, the others are found first: whatever is wrong with them is said at once."""
    if options.cluster is None:
        return LocalBackend()
    from trainer.backends.cluster.coordinator import Coordinator

    return Coordinator(options.cluster, pause_step=options.checkpoint_step)


def layout_for(data: TrainingData, options: TrainingOptions) -> HeadLayout:
    """What the network's outputs are."""
    if options.expert and data.tree:
        return expert_heads(data.tree, data.classes)
    return single_head(options.name, data.classes)


def supply(data: TrainingData, layout: HeadLayout, options: TrainingOptions, part: tuple[int, int]) -> MakeBatches:
    """Makes the batches of one part of the training data, of so many.

    Raises DatasetError if there is nothing in it.
    """
    index, count = part
    mine = data if count == 1 else replace(data, train=part_of(data.train, index, count))
    if not (mine.train.labels != BACKGROUND).any():
        raise DatasetError(
            f"There are {len(data.train)} sequences to train on, too few for {count} workers.",
            hint="Start fewer workers.",
            code="dataset_small",
        )
    batches = make_batches(mine, options.training, layout.table)
    last = options.training.iterations_for(len(data.train))
    return lambda start: ahead(batches, start, last, processes=options.batch_workers)


def about(data: TrainingData) -> str:
    """What all workers must agree on, in a few words."""
    frames, mels = data.spec.shape
    return f"{len(data.train)} sequences of {', '.join(data.classes)} ({frames} frames of {mels} mels)"


def begin(options: TrainingOptions) -> None:
    """Make the folder beside the bundle, and write down what is trained; when resuming, it must be the same.

    Raises ConfigError, naming what differs, SetupError if the folder cannot be written.
    """
    file = options.work / "training.yaml"
    if options.resume and file.is_file():
        before, now = read_training_file(file), options.training.model_copy(update={"augment": options.training.steps})
        other = [name for name in type(now).model_fields if getattr(before, name) != getattr(now, name)]
        if other:
            raise ConfigError(
                f"{file} says otherwise than this command: {', '.join(other)}.",
                hint="Resume with the same settings, or train without --resume.",
                code="resume_other",
            )
        return
    if not options.resume:
        shutil.rmtree(options.summaries, ignore_errors=True)
    try:
        options.work.mkdir(parents=True, exist_ok=True)
        file.write_text(to_yaml(options.training), encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"{options.work} cannot be written: {(error.strerror or str(error)).lower()}.",
            hint="Name another place with --out, or make room.",
            field="out",
        ) from None


def begin_from(bundle: Bundle, state: TrainingState, build: Build, classes: Sequence[str], spec: FeatureSpec) -> str:
    """Start from the weights of `bundle`. Returns what there is to say of it."""
    begun = start_from(bundle, state.model, build, classes, spec)
    new = f"; new are {', '.join(begun.new)}" if begun.new else ""
    return f"begins from {bundle.folder}, with what it knows of {', '.join(begun.kept) or 'no class'}{new}"


def look_at(source: TrainingSource, data: TrainingData, layout: HeadLayout, options: TrainingOptions) -> Examples:
    """Windows of `source` that are looked at again and again while training goes on."""
    count = max(EXAMPLES, options.nb_embeddings)
    return draw_examples(source, data.spec, table=layout.table, count=count, seed=options.training.seed)


@contextmanager
def summarising(
    state: TrainingState,
    data: TrainingData,
    layout: HeadLayout,
    test: Examples,
    iterations: int,
    options: TrainingOptions,
) -> Iterator[tuple[Observer, ...]]:
    """The observer that writes summaries for TensorBoard, if they are wanted."""
    if options.stats_step == 0:
        yield ()
        return
    summaries = Summaries(
        options.summaries,
        state,
        data.spec,
        train=look_at(data.train, data, layout, options),
        validation=test,
        last=iterations,
        every=options.stats_step,
        nb_embeddings=options.nb_embeddings,
    )
    with closing(summaries):
        yield (summaries.watch,)


def follow(reports: Generator[StepReport], observers: Sequence[Observer], checkpoints: Checkpoints, say: Say) -> None:
    """Train to the end, each report shown to all observers. What ends it from outside saves a checkpoint first."""
    try:
        with stop_signals() as asked, closing(reports):  # so that no step is under way when it is saved
            for report in reports:
                for observe in observers:
                    observe(report)
                if asked():
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        say(f"stopped after step {checkpoints.save():,}; --resume goes on from there")
        raise
    except TidzamError as error:
        if error.code in RESUMABLE:
            say(f"saved after step {checkpoints.save():,}")
        raise

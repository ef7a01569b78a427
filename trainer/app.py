"""The composition root: data, network, training loop and bundles, in the order in which audio becomes a classifier."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle, read_bundle
from tidzam.errors import DatasetError, TidzamError
from tidzam.progress import Say
from trainer.backends.base import Backend, MakeBatches
from trainer.backends.local import LocalBackend
from trainer.checkpoints import Checkpoints
from trainer.data.source import BACKGROUND, TrainingSource
from trainer.data.split import part_of
from trainer.data.workers import prefetch
from trainer.evaluation.predictions import Examples, draw_examples
from trainer.finalize import export_bundles
from trainer.fine_tune import start_from
from trainer.heads import HeadLayout, expert_heads, single_head
from trainer.loop import StepReport, TrainingState
from trainer.models import Build, ensemble_of, find_model
from trainer.options import TrainingOptions
from trainer.output import check_output, prepare_output
from trainer.signals import stop_signals
from trainer.tensorboard.summaries import EXAMPLES, Summaries
from trainer.tensorflow_setup import make_deterministic
from trainer.training_data import TrainingData, make_batches, open_data

Observer = Callable[[StepReport], None]

RESUMABLE = frozenset({"batch_worker", "dataset_changed"})
"""Codes of errors of the input after which the weights are still good."""


@dataclass(frozen=True)
class _Plan:
    """What is trained: everything that is known before TensorFlow is loaded."""

    options: TrainingOptions
    build: Build
    data: TrainingData
    layout: HeadLayout
    iterations: int

    @property
    def outputs(self) -> list[str]:
        """The class of each output."""
        return [label for head in self.layout.heads for label in head.classes]


def train(options: TrainingOptions, *, say: Say, observers: Sequence[Observer] = ()) -> list[Bundle]:
    """Train and write the bundle; with `expert`, one per head. `say` gets a line of progress now and then.

    On KeyboardInterrupt it saves a checkpoint and raises the interrupt again. Raises DatasetError if the data cannot be
    used, ConfigError for an unknown network, or a folder or name that a bundle cannot have.
    """
    check_output(options)
    training = options.training
    build = ensemble_of(find_model(training.dnn, training.dnn_options), training.ensemble)
    backend = find_backend(options)
    data = open_data(options, say)
    plan = _Plan(options, build, data, layout_for(data, options), training.iterations_for(len(data.train)))
    prepare_output(options)
    make_deterministic(training.seed, every_operation=options.cluster is None)
    with backend.translate_errors():
        state = _create_state(plan, backend, say)
        checkpoints = Checkpoints(
            options.checkpoints, state, every=options.checkpoint_step, io_device=backend.io_device
        )
        if options.resume:
            say(f"resuming from step {checkpoints.resume():,}")
        test = _sample(data.test, plan)
        reports = backend.run(
            state,
            test.batch.first(training.batch_size),  # validation is frequent: keep it cheap
            iterations=plan.iterations,
            testing_step=training.testing_step,
        )
        with _summaries(state, plan, test) as summaries:
            _follow(reports, (*observers, *summaries, checkpoints.watch), checkpoints, say)
        checkpoints.save()
        state.finish()
        trained = backend.gather_weights(state, build)
    bundles = export_bundles(trained, plan.layout, data, test.batch.features, options)
    checkpoints.clear()
    backend.shutdown()
    return bundles


def serve(options: TrainingOptions, *, say: Say) -> bool:
    """Run a parameter server, or a worker other than worker 0, until the coordinator ends the training.

    Returns False if a worker cannot take part; the reason is printed and reported to the coordinator. Raises
    ClusterError if the address is in use.
    """
    assert options.cluster is not None
    from trainer.backends.cluster.server import ClusterServer

    server = ClusterServer(options.cluster)
    say(f"{options.cluster.me}: serving")
    try:
        if options.cluster.job == "worker":
            data = open_data(options, say)
            part = options.cluster.index, len(options.cluster.workers)
            server.supply(supply(data, layout_for(data, options), options, part), about=describe(data))
    except TidzamError as error:
        say(f"trainer: {error}")
        server.fail(str(error))
        return False
    except Exception as error:  # whatever it is, the user of the coordinator needs to see it, too
        server.fail(f"{type(error).__name__}: {error}")
        raise
    server.wait()
    say(f"{options.cluster.me}: the training is over")
    return True


def find_backend(options: TrainingOptions) -> Backend:
    """Where to train. The processes of a cluster are found first, so that faults in them are reported at once."""
    if options.cluster is None:
        return LocalBackend()
    from trainer.backends.cluster.coordinator import ClusterBackend

    return ClusterBackend(options.cluster, pause_step=options.checkpoint_step)


def layout_for(data: TrainingData, options: TrainingOptions) -> HeadLayout:
    """The heads of the network and their outputs."""
    if options.expert and data.tree:
        return expert_heads(data.tree, data.classes)
    return single_head(options.name, data.classes)


def supply(data: TrainingData, layout: HeadLayout, options: TrainingOptions, part: tuple[int, int]) -> MakeBatches:
    """Returns a function that makes the batches of `part` (index, count) of the training data.

    Raises DatasetError if that part is empty.
    """
    index, count = part
    mine = data if count == 1 else replace(data, train=part_of(data.train, index, count))
    if not (mine.train.labels != BACKGROUND).any():
        raise DatasetError(
            f"The training data has {len(data.train)} sequences, too few for {count} workers.",
            hint="Start fewer workers.",
            code="dataset_small",
        )
    batches = make_batches(mine, options.training, layout.table)
    last = options.training.iterations_for(len(data.train))
    return lambda start: prefetch(batches, start, last, processes=options.batch_workers)


def describe(data: TrainingData) -> str:
    """What all workers must agree on, in a few words."""
    frames, mels = data.spec.shape
    return f"{len(data.train)} sequences of {', '.join(data.classes)} ({frames} frames of {mels} mels)"


def _create_state(plan: _Plan, backend: Backend, say: Say) -> TrainingState:
    """A new network and optimizer, with the weights of a bundle if the options name one."""
    options, data, layout = plan.options, plan.data, plan.layout
    strategy = backend.join(supply(data, layout, options, backend.part), about=describe(data))
    with strategy.scope():
        state = TrainingState.create(
            backend.build(plan.build),
            data.spec.shape,
            heads=layout.heads,
            activation=options.training.activation,
            recipe=options.training.optimizer,
            iterations=plan.iterations,
            members=options.training.ensemble,
        )
    if options.init is not None and not options.resume:
        local = backend.gather_weights(state, plan.build)
        say(_start_from(read_bundle(options.init), local, plan.build, plan.outputs, data.spec))
        backend.push_weights(local, state)
    say(f"network {options.training.dnn}: {state.model.count_params():,} weights, {plan.iterations:,} steps")
    return state


def _start_from(bundle: Bundle, state: TrainingState, build: Build, classes: Sequence[str], spec: FeatureSpec) -> str:
    """Copy the weights of `bundle` into `state`. Returns a line about what was copied."""
    copied = start_from(bundle, state.model, build, classes, spec)
    new = f"; new classes: {', '.join(copied.new)}" if copied.new else ""
    return f"starting from {bundle.folder}; kept classes: {', '.join(copied.kept) or 'none'}{new}"


def _sample(source: TrainingSource, plan: _Plan) -> Examples:
    """Windows of `source` that are evaluated repeatedly during the training."""
    count = max(EXAMPLES, plan.options.nb_embeddings)
    seed = plan.options.training.seed
    return draw_examples(source, plan.data.spec, table=plan.layout.table, count=count, seed=seed)


@contextmanager
def _summaries(state: TrainingState, plan: _Plan, test: Examples) -> Iterator[tuple[Observer, ...]]:
    """The observer that writes summaries for TensorBoard, unless they are switched off."""
    options, data = plan.options, plan.data
    if not options.stats_step:
        yield ()
        return
    summaries = Summaries(
        options.summaries,
        state,
        data.spec,
        train=_sample(data.train, plan),
        validation=test,
        last=plan.iterations,
        every=options.stats_step,
        nb_embeddings=options.nb_embeddings,
    )
    with closing(summaries):
        yield (summaries.watch,)


def _follow(reports: Generator[StepReport], observers: Sequence[Observer], checkpoints: Checkpoints, say: Say) -> None:
    """Train to the end and pass each report to all observers. An interrupt saves a checkpoint first."""
    try:
        with stop_signals() as is_stopping, closing(reports):  # so that no step is in progress while it is saved
            for report in reports:
                for observe in observers:
                    observe(report)
                if is_stopping():
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        say(f"stopped after step {checkpoints.save():,}; continue with --resume")
        raise
    except TidzamError as error:
        if error.code in RESUMABLE:
            say(f"saved after step {checkpoints.save():,}")
        raise

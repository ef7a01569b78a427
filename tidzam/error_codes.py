"""Every error code: what it means, what causes it and what to do. `docs/errors.md` is generated from this table.

A code is part of the protocol: clients may act on it, so that it keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Explanation(NamedTuple):
    """What an error code means to an operator."""

    meaning: str
    cause: str
    remedy: str


GROUPS: Mapping[str, Mapping[str, Explanation]] = {
    "Requests and access": {
        "error": Explanation("An error without a code of its own.", "See the message.", "Follow the message."),
        "request": Explanation(
            "A request is malformed.", "A key is missing, unknown or has a wrong value.", "Correct the named field."
        ),
        "unauthorized": Explanation(
            "The client has no right to do this.", "The request came without the token.", "Send the node's token."
        ),
        "rate_limited": Explanation(
            "Too many requests at once.", "The client exceeds `limits`.", "Send fewer, or wait for the answers."
        ),
        "not_supported": Explanation(
            "The request is known but not supported yet.", "A feature of a later version.", "Load a `url`."
        ),
        "internal": Explanation(
            "The program failed to carry out a request.", "A fault in Tidzam.", "Read the log and report the fault."
        ),
        "client_left": Explanation(
            "A source was not loaded.", "The client that requested it disconnected first.", "Nothing."
        ),
        "too_many_sources": Explanation(
            "The limit on clients' sources is reached.",
            "`stream_manager.max_sources…`",
            "Unload a source, or raise the limit.",
        ),
        "address_not_allowed": Explanation(
            "The address may not be loaded.",
            "It is on this machine or a private network, and the request came without the token.",
            "Send the token, or set `stream_manager.allow_private_addresses` or `allowed_hosts`.",
        ),
        "token_file": Explanation(
            "The token file cannot be used.",
            "It is damaged, or other users can read it.",
            "Run `chmod 600`, or delete it: the next start creates a new one.",
        ),
    },
    "Settings and set-up": {
        "config": Explanation("A setting is wrong.", "See the line and the key in the message.", "Correct it."),
        "setup": Explanation(
            "Something is missing on this machine.", "A program, package or right.", "Install or grant it."
        ),
        "unknown_extension": Explanation(
            "No player, output, sink, engine, rule, importer, model or augmentation has this name.",
            "A misspelling, or a package that is not installed.",
            "Choose one of the names listed in the message.",
        ),
        "broken_extension": Explanation(
            "An extension cannot be imported.", "A fault in its package.", "Repair or uninstall the package."
        ),
        "programs_missing": Explanation(
            "System programs are missing.", "They are not installed.", "Run the `apt-get` command in the message."
        ),
        "disk_full": Explanation(
            "The node's files cannot be written.", "The disk is full.", "Free space, or choose another home."
        ),
        "chain_address": Explanation(
            "The Chain API's address is invalid.", "A wrong form.", "Write `user:password@http://host:port/path`."
        ),
        "download": Explanation(
            "A dataset cannot be downloaded.", "No network, or the server failed.", "Download it by other means."
        ),
        "dnn": Explanation(
            "The network architecture is unknown or invalid.", "`--dnn`", "Choose one of those listed in the message."
        ),
    },
    "Node": {
        "node": Explanation("A program of the node failed.", "See the message.", "Read its log."),
        "no_node": Explanation("There is no node.", "None was started in this home.", "`tidzam start`, or `--home`."),
        "already_running": Explanation("The node runs already.", "It was started before.", "`tidzam restart`."),
        "not_started": Explanation(
            "A program did not start.", "The end of its log is in the message.", "Remove the cause and start again."
        ),
        "locked": Explanation(
            "Another command works on the node.", "It has not finished.", "Wait for that process, or end it."
        ),
        "supervisor": Explanation(
            "supervisord did not start.", "Its own message follows.", "Remove the cause and start again."
        ),
        "port_in_use": Explanation(
            "A port is taken.", "Another program listens there.", "End it, or set another port in the profile."
        ),
        "listen": Explanation("A program cannot listen.", "The host or port is not usable.", "Check both settings."),
        "jack_name_in_use": Explanation(
            "A JACK server has this name already.", "Another node or user runs it.", "Set `jack.server`."
        ),
        "no_demo": Explanation("No demo scene plays.", "The profile has no `demo` source.", "Start the default one."),
        "training": Explanation(
            "The trainer failed while the demo's classifiers were trained.", "Its message is above.", "Follow it."
        ),
    },
    "JACK and Icecast": {
        "jack": Explanation("JACK failed.", "See the message.", "Read `jackd.log`."),
        "jack_away": Explanation("The JACK server does not answer.", "It ended.", "It is restarted by itself."),
        "jack_stalled": Explanation("JACK's cycles have stopped.", "It hangs.", "It is replaced by itself."),
        "jack_full": Explanation(
            "JACK has no room for more ports or clients.",
            "`jack.port_max`, or JACK's 256 clients.",
            "Unload a source, or raise `jack.port_max`.",
        ),
        "icecast_away": Explanation("Icecast does not answer.", "It ended.", "It is restarted by itself."),
        "ring": Explanation("The capture memory is invalid.", "A fault in Tidzam.", "Report it with the log."),
        "lapped": Explanation(
            "Captured audio was overwritten before it was read.", "The machine is too slow.", "Reduce channels."
        ),
    },
    "Sources": {
        "source": Explanation("A source failed.", "See the message.", "Follow the message."),
        "source_unknown": Explanation("No source has this name.", "A misspelling.", "List the sources."),
        "source_refused": Explanation("A source's settings are refused.", "See the message.", "Correct them."),
        "source_missing": Explanation(
            "A source of the profile is not loaded.", "A client unloaded it.", "Send `loadsource` with its name alone."
        ),
        "source_starting": Explanation("A source does not play yet.", "It is being loaded.", "Wait."),
        "output_failed": Explanation(
            "An output of a source failed.", "A fault in the output, see the log.", "It is run again by itself."
        ),
        "source_mounts": Explanation("Mounts of a source are missing.", "They are being pushed.", "Wait."),
        "source_not_found": Explanation("There is no such file.", "A wrong path.", "Check the path."),
        "source_unreadable": Explanation("The file cannot be opened.", "Its permissions.", "Check them."),
        "source_unreachable": Explanation(
            "The address cannot be reached.", "A wrong address, or its server is down.", "It is tried again."
        ),
        "source_not_audio": Explanation("There is no audio in it.", "Another kind of file.", "Name an audio source."),
        "source_playlist": Explanation(
            "The playlist cannot be followed.", "Its entries are not usable.", "Load one of its addresses."
        ),
        "source_empty": Explanation("The source is empty.", "A file without audio.", "Name another one."),
        "source_channels": Explanation("The channels cannot be played.", "Their number.", "Choose other channels."),
        "source_channels_invalid": Explanation("`channels` is invalid.", "A wrong form.", "Write `0,2,3`."),
        "source_name_taken": Explanation(
            "A JACK client has this name.", "Another program.", "Rename the source, or end that client."
        ),
        "source_silent": Explanation("No audio arrived in time.", "The source sends nothing.", "Check the source."),
        "source_digital_silence": Explanation(
            "All samples are zero.", "What feeds the source is muted or broken.", "Check the microphone or encoder."
        ),
        "source_player_hung": Explanation("The player hung.", "See the log.", "It was replaced by itself."),
        "source_player_died": Explanation("The player ended.", "See the log.", "It is restarted by itself."),
        "source_truncated": Explanation("The file ends early.", "It is cut short.", "Replace the file."),
        "source_not_rendered": Explanation(
            "The demo's file is missing.", "It was not rendered.", "Run `tidzam restart`."
        ),
    },
    "Analyzer": {
        "starting": Explanation("The capture process is starting.", "The analyzer has just started.", "Wait."),
        "capture": Explanation("The capture process ended or hung.", "See the log.", "It is replaced by itself."),
        "stalled": Explanation("JACK delivers no audio.", "JACK has stopped.", "It is replaced by itself."),
        "late": Explanation(
            "Windows are analyzed too late.", "The machine is too slow.", "Reduce channels or overlap."
        ),
        "no_channel": Explanation("No port matches.", "`analyzer.ports`, or no source.", "Correct the patterns."),
        "classifier": Explanation(
            "A network's outputs are not probabilities.", "A damaged or wrong network.", "Train or export it again."
        ),
        "output": Explanation("A result file cannot be written.", "Disk or permissions.", "Name another file."),
    },
    "Audio": {
        "audio": Explanation("Audio cannot be read or used.", "See the message.", "Follow the message."),
        "audio_missing": Explanation("There is no such audio file.", "A wrong path.", "Name an audio file."),
        "audio_empty": Explanation("The file contains no audio.", "It is empty or cut short.", "Record it again."),
        "audio_format": Explanation("The file cannot be decoded.", "It is damaged or no audio.", "Copy it again."),
        "audio_large": Explanation("The file is too large to be read at once.", "Its length.", "Split it."),
        "audio_output": Explanation("Audio cannot be played here.", "No sound server.", "See the message."),
        "channel": Explanation("The file has no such channel.", "`-c`", "Choose one of its channels."),
        "sample_rate": Explanation(
            "The sample rate is too low for a classifier.", "The audio lacks the band.", "Use a higher rate."
        ),
        "feature_spec": Explanation("Feature parameters are invalid.", "See the message.", "Correct the field."),
        "feature_shape": Explanation("An array has a wrong shape.", "A caller's fault.", "Pass whole windows."),
    },
    "Bundles": {
        "bundle": Explanation("A bundle cannot be used.", "See the message.", "Follow the message."),
        "bundle_missing": Explanation("There is no bundle, or a file of it is missing.", "The path.", "Copy it again."),
        "bundle_version": Explanation("The bundle has another format.", "Another version.", "Export it again."),
        "bundle_manifest": Explanation("The manifest is invalid.", "A damaged or edited file.", "Copy it again."),
        "bundle_checksum": Explanation("A file's checksum differs.", "A changed or damaged file.", "Copy it again."),
        "bundle_files": Explanation("A file is too large or is not listed.", "The manifest.", "Export it again."),
        "bundle_engine": Explanation("The network cannot be run.", "A file is missing or invalid.", "Export it again."),
        "bundle_features": Explanation("Window or features do not fit.", "Different training.", "Train it again."),
        "bundle_classes": Explanation("The network's outputs do not fit its classes.", "Export.", "Export it again."),
        "bundle_outputs": Explanation("Outputs are not probabilities.", "The last layer.", "Use sigmoid or softmax."),
        "bundle_labels": Explanation("Labels or their tree are invalid.", "See the message.", "Rename the label."),
        "bundle_cascade": Explanation("Bundles do not make a cascade.", "Names or classes.", "See the message."),
        "bundle_export": Explanation("The exported network differs from the trained one.", "Libraries.", "Report it."),
        "bundle_write": Explanation("The bundle cannot be written.", "Disk or permissions.", "Resume elsewhere."),
        "init_network": Explanation("`--init` names a network that does not fit.", "Another one.", "Set `--dnn`."),
    },
    "Datasets": {
        "dataset": Explanation("A dataset cannot be used.", "See the message.", "Follow the message."),
        "dataset_missing": Explanation("There is no dataset.", "A wrong path.", "Name the dataset's folder."),
        "dataset_version": Explanation("The dataset has another format.", "Another version.", "Compile it again."),
        "dataset_manifest": Explanation("The manifest is invalid.", "A damaged or edited file.", "Copy it again."),
        "dataset_origins": Explanation("The table of origins is invalid.", "A damaged file.", "Copy it again."),
        "dataset_shard": Explanation("A shard is invalid.", "A damaged file.", "Copy it again."),
        "dataset_features": Explanation("Features do not fit.", "Different parameters.", "Compile one again."),
        "dataset_labels": Explanation("Labels do not fit.", "See the message.", "Rename them."),
        "dataset_classes": Explanation("Data has classes that are not trained.", "Other data.", "Rename them."),
        "dataset_list": Explanation("A table cannot be used.", "See line and column.", "Correct the table."),
        "dataset_name": Explanation("The dataset's name is invalid.", "Characters.", "Use letters, digits, `_.-`."),
        "dataset_place": Explanation("The folder is taken.", "Something is there.", "Name another folder."),
        "dataset_busy": Explanation("The dataset is being written.", "Another process.", "Wait for it."),
        "dataset_changed": Explanation("Data changed while it was read.", "Another process.", "Start again."),
        "dataset_resume": Explanation("An unfinished run does not match.", "Other input.", "Omit `--resume`."),
        "dataset_write": Explanation("The dataset cannot be written.", "The disk is full.", "Free space, resume."),
        "dataset_empty": Explanation("There is nothing in it.", "No readable file.", "Replace the files."),
        "dataset_edit": Explanation("An edit is not possible.", "See the message.", "Follow the message."),
        "dataset_strict": Explanation("A file cannot be read.", "`--strict`", "Repair it, or omit `--strict`."),
        "dataset_unreadable": Explanation("Files cannot be read.", "`--strict`", "Replace them."),
        "dataset_time": Explanation("A recording's date is unknown.", "Its name.", "Name it with its date."),
        "dataset_small": Explanation("Too few examples.", "More workers than data.", "Start fewer workers."),
    },
    "Training": {
        "loss": Explanation("The loss is not finite.", "The learning rate is too high.", "Lower it."),
        "checkpoint": Explanation("A checkpoint cannot be written.", "The disk is full.", "Free space, resume."),
        "checkpoint_missing": Explanation("There is no checkpoint.", "None was written.", "Omit `--resume`."),
        "checkpoint_other": Explanation("The checkpoint is of another network.", "Settings.", "Use the same."),
        "resume_other": Explanation("`--resume` with other settings.", "The command.", "Use the same settings."),
        "unfinished": Explanation("There is an unfinished training.", "It ended early.", "Use `--resume`."),
        "batch_worker": Explanation("A batch worker was killed.", "Probably memory.", "Use fewer workers."),
        "cluster": Explanation("The cluster failed, or its options are wrong.", "See the message.", "Follow it."),
        "cluster_unreachable": Explanation("A process does not answer.", "Not started.", "Start it."),
        "cluster_member": Explanation("A process of the cluster ended.", "See its log.", "Start it again."),
        "cluster_lost": Explanation("A process is gone.", "See its log.", "Start it again, resume."),
        "cluster_taken": Explanation("The address is taken.", "Another training.", "Wait for it, or end it."),
        "cluster_data": Explanation("Workers have different data.", "Options or files.", "Make them the same."),
        "cluster_version": Explanation("Versions of Tidzam differ.", "An old machine.", "Install one version."),
    },
}

CODES: Mapping[str, Explanation] = {code: text for group in GROUPS.values() for code, text in group.items()}

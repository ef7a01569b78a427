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
        "error": Explanation("An error without a more specific code.", "See the message.", "Follow the message."),
        "request": Explanation(
            "A request is malformed.", "A key is missing, unknown or has a wrong value.", "Correct the named field."
        ),
        "unauthorized": Explanation(
            "The client has no right to do this.", "The request came without the token.", "Send the node's token."
        ),
        "rate_limited": Explanation(
            "Too many requests at once.", "The client exceeds `limits`.", "Send fewer, or wait for the answers."
        ),
        "internal": Explanation(
            "The program failed to carry out a request.", "A fault in Tidzam.", "Read the log and report the fault."
        ),
        "client_left": Explanation(
            "A source was not loaded.", "The client that requested it disconnected first.", "Nothing."
        ),
        "too_many_sources": Explanation(
            "The limit on clients' sources is reached.",
            "`stream_manager.max_client_sources` or `max_permanent_sources`.",
            "Unload a source, or raise the limit.",
        ),
        "unknown_event": Explanation(
            "The server has no such event.",
            "The name of the event is misspelt, or the client is connected to another server.",
            "Use one of the events that the message names; [protocol.md](protocol.md) lists them.",
        ),
        "address_not_allowed": Explanation(
            "The address may not be loaded.",
            "It is on this machine or a private network, and the request came without the token; it is link-local or a "
            "cloud machine's metadata; or the settings permit no addresses on the Internet.",
            "Send the token, or set `stream_manager.allow_private_addresses` or `allowed_hosts`.",
        ),
        "token_file": Explanation(
            "The token file cannot be used.",
            "It is damaged, or other users can read it.",
            "Run `chmod 600`, or delete it: the next start creates a new one.",
        ),
    },
    "Console and accounts": {
        "not_logged_in": Explanation(
            "The request requires a user.",
            "No session's cookie and no token were sent, or they have ended.",
            "Log in, or send a token that has not expired.",
        ),
        "login_failed": Explanation(
            "The log-in was refused.", "The user name or the password is wrong.", "`tidzam users password NAME`."
        ),
        "openid": Explanation(
            "A log-in with OpenID Connect is not valid.",
            "It was begun elsewhere or too long ago, or the provider's response cannot be believed.",
            "Begin again; an admin finds the reason in the message.",
        ),
        "openid_away": Explanation(
            "The provider of OpenID Connect cannot be used.",
            "It does not answer, or describes itself otherwise than `console.oidc` says.",
            "Try again later, or log in with a password; check `console.oidc`.",
        ),
        "no_account": Explanation(
            "Somebody has logged in with OpenID Connect who has no account here.",
            "`console.oidc` gives them no role.",
            "Add the person to a group of the provider that `console.oidc.roles` names.",
        ),
        "busy": Explanation(
            "Too many requests read recordings or clips at a time.",
            "`console.sound.at_a_time`.",
            "Try again when `Retry-After` says.",
        ),
        "too_many_streams": Explanation(
            "Too many pages that show the present, or listeners, are open.",
            "`console.streams` or `console.streams_per_visitor`.",
            "Close some, or raise the setting.",
        ),
        "not_heard": Explanation(
            "A channel cannot be listened to.",
            "Its source does not play, or Icecast is away.",
            "See the page Node of the console.",
        ),
        "locked_out": Explanation(
            "Log-ins are refused for some minutes.",
            "Too many wrong passwords (`console.lock_out`).",
            "Wait as long as the message says.",
        ),
        "forbidden": Explanation(
            "The user may not do this, or the node has another name.",
            "The role or the scopes of the token do not allow it; or the header `Host` names no address of the node.",
            "`tidzam users role NAME ROLE`, a token with more scopes, or `access.hosts`.",
        ),
        "csrf": Explanation(
            "A change was refused because another site may have sent it.",
            "The CSRF token of the session is missing or old, or the page is of another site.",
            "Load the page again; programs send `X-CSRF-Token`, or use an API token.",
        ),
        "not_found": Explanation(
            "There is no such page or thing.", "It was removed, or mistyped.", "Check the address."
        ),
        "model_in_use": Explanation(
            "A model cannot be removed.",
            "It runs live or as a shadow, or the settings name it; or it is not in the folder of installed models.",
            "Roll back, end the shadow, or change the settings first.",
        ),
        "analyzer_away": Explanation(
            "The classifiers cannot be changed.", "The analyzer does not answer.", "See `tidzam status`."
        ),
        "no_recording": Explanation(
            "There is no sound of this time.",
            "The source was not recorded then, or the recording was deleted.",
            "Look at the gaps that `/api/v1/sound/peaks` lists; record the source (`record`).",
        ),
        "still_recording": Explanation(
            "There is no sound of this time yet.",
            "It is in a recording that is not complete.",
            "Try again after as many seconds as the header `Retry-After` says.",
        ),
        "no_user": Explanation("There is no such user.", "The name is mistyped.", "`tidzam users list`."),
        "user_exists": Explanation("A user has this name already.", "Names ignore case.", "Choose another name."),
        "user_name": Explanation(
            "The name of a user is invalid.", "It has other characters than letters, digits and . _ @ -.", "Correct it."
        ),
        "last_admin": Explanation(
            "The only admin cannot be removed or get another role.",
            "Nobody could manage users then.",
            "Make another user admin first.",
        ),
        "weak_password": Explanation(
            "The new password is not accepted.", "It is too short, trivial or was typed differently.", "Choose another."
        ),
        "no_password": Explanation(
            "The account has no password.",
            "Single sign-on or a proxy logs this user in.",
            "Have an admin give it one on the page Users.",
        ),
        "wrong_password": Explanation("The present password is wrong.", "It is mistyped.", "Type it again."),
        "conflict": Explanation(
            "An annotation or a model was not changed, since somebody else was faster.",
            "It was changed or deleted after the program had read it.",
            "Look at it as it is now, and change that version.",
        ),
        "annotation_file": Explanation(
            "The annotations of a file were not added.",
            "A line of it is not valid, or it has another format.",
            "Correct the line that the message names; docs/annotations.md describes the formats.",
        ),
        "tag_exists": Explanation(
            "There is a tag of this name already.", "Tags are never merged.", "Choose another name."
        ),
        "tag_in_use": Explanation(
            "A tag cannot be removed.", "Annotations have it.", "Give them another tag, or delete them, first."
        ),
        "token_scopes": Explanation(
            "The scopes of a new API token are invalid.",
            "There are none, or the user may not do that.",
            "Choose others.",
        ),
        "too_many_tokens": Explanation(
            "The user has 50 API tokens already.", "Old ones were not removed.", "Remove those that are not used."
        ),
        "too_many_jobs": Explanation(
            "A job was refused.", "20 jobs run or wait already.", "Wait for them, or cancel some."
        ),
        "too_many_annotations": Explanation(
            "A model is not built.", "The chosen days have more than 100,000 annotations.", "Use fewer days."
        ),
        "source_exists": Explanation(
            "A source cannot be added.", "There is one of this name.", "Choose another name, or change that one."
        ),
        "stream_manager_away": Explanation(
            "The console cannot change sources, or take a microphone.",
            "The stream manager does not run, or does not answer.",
            "See `tidzam status`.",
        ),
        "no_backup_folder": Explanation(
            "The console cannot make backups.", "`console.backups` is not set.", "Set it, or use `tidzam backup`."
        ),
        "job_ended": Explanation("A job cannot be cancelled.", "It has ended already.", "Nothing."),
        "job_unfinished": Explanation(
            "A network is not trained, or a dataset is not made.",
            "A job for one of that name waits or runs.",
            "Wait for it, or cancel it.",
        ),
        "no_model": Explanation(
            "A model cannot be used.", "None that can has the name.", "Use one that the console lists."
        ),
        "model_exists": Explanation(
            "A model is not built.", "There is one of its name.", "Choose another name, or remove the model."
        ),
        "training_unfinished": Explanation(
            "A network is not trained.",
            "An earlier training of that name was cancelled, or failed.",
            "Send the request with `unfinished` as `resume`, or as `restart`.",
        ),
        "no_dataset": Explanation(
            "A network is not trained.",
            "The folder is not in `datasets` in the node's home.",
            "Put the dataset there, or a link to it.",
        ),
        "no_tensorflow": Explanation(
            "A network is not trained.", "TensorFlow is not installed.", "Run `tidzam install train`."
        ),
    },
    "Forwarding": {
        "forward_node": Explanation(
            "A node may not forward here under its name.",
            "The account of the token has another name than the node, or the receiving node has the same name.",
            "Set `node.name` of the forwarding node, or run `tidzam users add NAME --role node` with its name.",
        ),
        "not_a_node": Explanation(
            "No token for forwarding was made.",
            "The account belongs to a person.",
            "Make an account for the node: `tidzam users add NAME --role node`.",
        ),
        "clip_too_large": Explanation(
            "A clip was refused.", "It is larger than `console.forwarded.clip_mb`.", "Raise it, or make shorter clips."
        ),
        "forward_full": Explanation(
            "The receiving node accepts no more clips at present.",
            "`console.forwarded.gigabytes` is reached, or the disk is too full.",
            "Delete some of the clips there, or raise the limit. The clips wait at the other node meanwhile.",
        ),
        "too_many_uploads": Explanation(
            "A node has begun too many uploads.",
            "Uploads that were not completed reach `console.forwarded.uploads`, or a tenth of the room for all clips.",
            "Complete them, or wait until they expire.",
        ),
        "clip_exists": Explanation(
            "A clip was refused.",
            "The node has forwarded another clip of this name before, which is kept: its clock may have been set back.",
            "Nothing; the sender keeps the clip among those that were refused. Let the node synchronize its clock.",
        ),
        "upload_offset": Explanation(
            "A part of an upload was refused.",
            "It does not begin where what has arrived ends.",
            "Ask for the offset with HEAD, and continue there.",
        ),
        "upload_taken": Explanation(
            "A part of an upload was given up.",
            "Another request goes on with the same upload, since this one seemed to hang.",
            "Nothing.",
        ),
        "clip_damaged": Explanation(
            "A clip, or a part of it, was not accepted.",
            "What has arrived has another checksum than what was sent.",
            "Nothing: it is sent again. If it happens again and again, check the disks of both nodes.",
        ),
        "tus_version": Explanation(
            "An upload was refused.", "The client uses another version of tus than 1.0.0.", "Use another client."
        ),
        "media_type": Explanation(
            "A request was refused.", "Its Content-Type is not the expected one.", "Set the one that the message names."
        ),
    },
    "Settings and set-up": {
        "config": Explanation("A setting is wrong.", "See the line and the key in the message.", "Correct it."),
        "setup": Explanation(
            "Something is missing on this machine.", "A program, package or right.", "Install or grant it."
        ),
        "unknown_class": Explanation(
            "A setting names a class that does not exist.",
            "A misspelled label or scientific name.",
            "Correct `range.include`, `range.exclude` or `privacy.classes`.",
        ),
        "class_rules": Explanation(
            "What was decided about classes in the console cannot be read.",
            "`class-rules.json` in the home was changed by hand, or is damaged.",
            "Correct or delete the file, or decide again on the page Species.",
        ),
        "time_models": Explanation(
            "The time models of classes cannot be read.",
            "`time-models.json` in the home was changed by hand, or is damaged.",
            "Make them again: `tidzam activity fit`.",
        ),
        "speech_detector": Explanation(
            "Speech cannot be detected, so that nothing is analyzed.",
            "Silero VAD is not installed in this home, or its file was changed.",
            "Run `tidzam models add silero-vad`, or remove `analyzer.privacy`.",
        ),
        "location": Explanation(
            "The position of the node is not set.",
            "An override of `analyzer.decision` names dawn, day, dusk or night.",
            "Set `location: {latitude: …, longitude: …}`.",
        ),
        "unknown_extension": Explanation(
            "No player, output, sink, engine, decision rule, speech detector, importer, model or augmentation has this "
            "name.",
            "A misspelling, or a package that is not installed.",
            "Choose one of the names listed in the message.",
        ),
        "broken_extension": Explanation(
            "An extension cannot be imported or created.",
            "A fault in its package.",
            "Repair or uninstall the package.",
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
        "secret": Explanation(
            "A secret of the profile is unknown.",
            "Its environment variable is not set, or its file cannot be read.",
            "Provide it, or correct the profile.",
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
        "edge_node": Explanation(
            "An edge node has no such thing.", "It runs without JACK.", "Use what the message names instead."
        ),
        "already_running": Explanation("The node is already running.", "It was started before.", "`tidzam restart`."),
        "not_started": Explanation(
            "A program did not start.", "The end of its log is in the message.", "Remove the cause and start again."
        ),
        "search_busy": Explanation(
            "The index of recorded sound is being written.",
            "The console, or another command, indexes recordings.",
            "Wait until it is finished.",
        ),
        "search_empty": Explanation(
            "There is nothing to search.", "No recordings are indexed, or not these.", "`tidzam search status`."
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
    "Store": {
        "store": Explanation("The store failed.", "See the message.", "Follow the message."),
        "store_unreachable": Explanation(
            "The store's database cannot be used.",
            "It is away, refuses the login, or its disk is full.",
            "Start it, or correct `store`. What was heard meanwhile waits on disk.",
        ),
        "store_newer": Explanation(
            "The store was migrated by a newer program.",
            "This machine has an older Tidzam than another one.",
            "Update Tidzam here.",
        ),
        "store_not_empty": Explanation(
            "A backup cannot be restored into the store's database.",
            "It has rows already.",
            "Choose an empty database in `store.url`.",
        ),
        "backup": Explanation("A backup failed.", "See the message.", "Follow the message."),
        "backup_missing": Explanation(
            "There is no such backup.", "A wrong folder or name.", "List them with `tidzam backup list`."
        ),
        "backup_damaged": Explanation(
            "A file of a backup is missing, or is not what it was.",
            "A damaged disk, or somebody has changed it.",
            "Use another backup; make the next one with `tidzam backup create --full`.",
        ),
        "backup_failed": Explanation(
            "A backup cannot be written.", "Disk or permissions.", "See the message; choose another folder."
        ),
        "backup_busy": Explanation(
            "Another backup is being written into the folder.", "Two at a time.", "Wait for the other one."
        ),
        "home_not_empty": Explanation(
            "A backup cannot be restored there.", "There are files in the home or folder.", "Choose an empty home."
        ),
    },
    "JACK and Icecast": {
        "jack": Explanation("JACK failed.", "See the message.", "Read `jackd.log`."),
        "jack_away": Explanation("The JACK server does not answer.", "It ended.", "It is restarted automatically."),
        "jack_stalled": Explanation("JACK's cycles have stopped.", "It hangs.", "It is replaced automatically."),
        "jack_full": Explanation(
            "JACK has no room for more ports or clients.",
            "`jack.port_max` is reached, or the 250 clients that JACK has for sources and other programs.",
            "Unload a source, or raise `jack.port_max`; the number of clients cannot be raised.",
        ),
        "icecast_away": Explanation("Icecast does not answer.", "It ended.", "It is restarted automatically."),
        "ring": Explanation("The capture memory is invalid.", "A fault in Tidzam.", "Report it with the log."),
        "lapped": Explanation(
            "Captured audio was overwritten before it was read.", "The machine is too slow.", "Reduce channels."
        ),
    },
    "Live streams": {
        "live_ports_in_use": Explanation(
            "All ports for live streams are in use.",
            "`stream_manager.live_ports` (`--port-available`).",
            "Try again later, or raise the number.",
        ),
        "live_streams_off": Explanation(
            "The node takes no live streams.", "`stream_manager.live_ports` is 0.", "Raise it."
        ),
        "live_port_missing": Explanation(
            "The port of a live stream did not appear.", "JACK is overloaded or hangs.", "Read the log, try again."
        ),
        "storage_off": Explanation(
            "The audio of live streams cannot be stored.",
            "There is no folder for it.",
            "Set `stream_manager.live_streams.recordings`.",
        ),
        "storage_failed": Explanation(
            "The recording of a live stream has ended.", "The disk, see the message.", "Correct it; it begins again."
        ),
        "storage_full": Explanation(
            "The recordings of live streams have reached their maximum size.",
            "`stream_manager.live_streams.recordings_max_gb`.",
            "Delete recordings, or raise the limit.",
        ),
    },
    "Sources": {
        "source": Explanation("A source failed.", "See the message.", "Follow the message."),
        "source_unknown": Explanation("No source has this name.", "A misspelling.", "List the sources."),
        "database_unknown": Explanation(
            "No source has recordings of this name.",
            "A misspelling, or the source has neither `record` nor `path_database`.",
            "List the databases.",
        ),
        "no_recording": Explanation(
            "There is nothing to replay.", "No recording is at or after the date.", "Choose another date."
        ),
        "recordings_unreadable": Explanation(
            "Recordings cannot be read.", "Their folder is missing, or may not be read.", "Correct the folder."
        ),
        "source_refused": Explanation("A source's settings are refused.", "See the message.", "Correct them."),
        "source_missing": Explanation(
            "A source of the profile is not loaded.", "A client unloaded it.", "Send `loadsource` with its name alone."
        ),
        "source_starting": Explanation("A source does not play yet.", "It is being loaded.", "Wait."),
        "output_failed": Explanation(
            "An output of a source failed.", "A fault in the output, see the log.", "It is run again automatically."
        ),
        "source_mounts": Explanation("Mounts of a source are missing.", "They are being pushed.", "Wait."),
        "not_recordable": Explanation(
            "The source cannot be recorded.",
            "It is copied without decoding, or plays past recordings.",
            "Load it with the format ogg.",
        ),
        "recording_starting": Explanation("A source is not recorded yet.", "Its recorder is starting.", "Wait."),
        "recording_failed": Explanation(
            "A source is not recorded.", "See the message.", "Follow the message; it is tried again automatically."
        ),
        "recording_held": Explanation(
            "Complete recordings do not get their final names.",
            "Speech in them is to be muted, and cannot be detected: Silero VAD is not installed in this home, or the "
            "file is damaged. They are hidden and end in `.held`.",
            "See the message. They are tried again, at last every five minutes.",
        ),
        "recording_disk_full": Explanation(
            "Recording is paused.",
            "Less than 100 MB (on a small disk, 2 %) are free where the recordings are.",
            "Free space, or lower `record.keep`; recording continues by itself.",
        ),
        "recording_channels": Explanation(
            "A source is not recorded.",
            "A FLAC file holds at most 8 channels.",
            "Set `record.format` to opus or wav, or load fewer channels.",
        ),
        "source_not_found": Explanation("There is no such file.", "A wrong path.", "Check the path."),
        "source_unreadable": Explanation("The file cannot be opened.", "Its permissions.", "Check them."),
        "source_unreachable": Explanation(
            "The address cannot be reached.", "A wrong address, or its server is down.", "It is tried again."
        ),
        "source_http_not_found": Explanation(
            "The server has nothing at this address.",
            "A wrong address, or a mount of Icecast whose encoder is not connected.",
            "Check the address and the encoder. A permanent source is retried soon, later every two minutes.",
        ),
        "source_access_denied": Explanation(
            "The server denies access.", "A missing or wrong password (401, 403).", "Correct it in the address."
        ),
        "source_unknown_host": Explanation(
            "The server's name is unknown.", "A misspelling, or a name server.", "Check the address."
        ),
        "source_redirected": Explanation(
            "The server redirects too often.", "Its addresses lead in a circle.", "Load the final address."
        ),
        "source_stuck": Explanation(
            "The source repeats the same short piece of audio.",
            "A sound card, driver or encoder that hangs.",
            "Check it. After `healing.unhealthy_timeout_s` the source is loaded again.",
        ),
        "source_no_data": Explanation(
            "No data arrives any more.",
            "A server that keeps the connection open but sends nothing.",
            "Nothing: the source is loaded again. Check the sender if it happens often.",
        ),
        "source_stream_ended": Explanation(
            "The server ended the stream.", "Its encoder has stopped or restarted.", "Nothing: it is loaded again."
        ),
        "source_format_changed": Explanation(
            "The number of channels or the sample rate changed.",
            "The sender was reconfigured.",
            "Nothing: it is loaded again.",
        ),
        "source_not_audio": Explanation(
            "There is no audio in it.", "Another kind of file.", "Specify an audio source."
        ),
        "source_playlist": Explanation(
            "The playlist cannot be followed.", "Its entries are not usable.", "Load one of its addresses."
        ),
        "source_empty": Explanation("The source is empty.", "A file without audio.", "Specify another one."),
        "source_channels": Explanation("The channels cannot be played.", "Their number.", "Choose other channels."),
        "source_channels_invalid": Explanation(
            "`channels` is invalid.",
            "Neither a number nor one of the source's `channel_names`.",
            "Choose one of the names in the message, or write numbers: `0,2,3`.",
        ),
        "source_name_taken": Explanation(
            "A JACK client has this name.", "Another program.", "Rename the source, or end that client."
        ),
        "source_silent": Explanation("No audio arrived in time.", "The source sends nothing.", "Check the source."),
        "source_digital_silence": Explanation(
            "All samples are zero.", "What feeds the source is muted or broken.", "Check the microphone or encoder."
        ),
        "source_player_hung": Explanation("The player hung.", "See the log.", "It was replaced automatically."),
        "source_player_died": Explanation("The player ended.", "See the log.", "It is restarted automatically."),
        "source_input_missing": Explanation(
            "The sound card has no such input.",
            "It is unplugged, or `input.ports` of the source names a port that it does not have.",
            "Plug it in, or set `input.ports` to ports that `tidzam sources devices` lists.",
        ),
        "source_truncated": Explanation("The file ends early.", "It is cut short.", "Replace the file."),
        "source_not_rendered": Explanation(
            "The demo's file is missing.", "It was not rendered.", "Run `tidzam restart`."
        ),
    },
    "Analyzer": {
        "starting": Explanation("The capture process is starting.", "The analyzer has just started.", "Wait."),
        "capture": Explanation("The capture process ended or hung.", "See the log.", "It is replaced automatically."),
        "stalled": Explanation("JACK delivers no audio.", "JACK has stopped.", "It is replaced automatically."),
        "late": Explanation(
            "Windows are analyzed too late.", "The machine is too slow.", "Reduce channels or overlap."
        ),
        "no_channel": Explanation("No port matches.", "`analyzer.ports`, or no source.", "Correct the patterns."),
        "classifier": Explanation(
            "A network's outputs are not probabilities.", "A damaged or wrong network.", "Train or export it again."
        ),
        "analysis_busy": Explanation(
            "New classifiers cannot take over.",
            "The analysis of a window does not come to an end: a network hangs.",
            "Restart the analyzer.",
        ),
        "no_shadow": Explanation(
            "No shadow cascade is running.", "None was started, or it was refused.", "Start one; see `tidzam status`."
        ),
        "no_promotion": Explanation(
            "There is nothing to return to.",
            "Nothing was promoted since the settings name these classifiers.",
            "Promote a shadow first; the settings name what runs otherwise.",
        ),
        "model_not_live": Explanation(
            "A model cannot be taken out of the live classifiers.",
            "It does not run, or is part of a folder of bundles (`analyzer.nn`).",
            "Name an installed model that runs; see `tidzam models list`.",
        ),
        "shadow_busy": Explanation(
            "A shadow cascade cannot take over.",
            "One of its networks hangs.",
            "Do not use it. The live classifiers continue.",
        ),
        "shadow_changed": Explanation(
            "A shadow cascade cannot take over.",
            "Its bundles have been replaced since it was started, by some that were not compared.",
            "Wait until they have been. The live classifiers continue.",
        ),
        "output": Explanation("A result file cannot be written.", "Disk or permissions.", "Specify another file."),
        "no_clips": Explanation(
            "Rules of clips were set, but no clips are kept.",
            "There is no sink for them.",
            "`--out`, or a `clips` sink.",
        ),
        "unsent": Explanation(
            "Some results were not sent at the end.", "The server is away.", "Nothing: they are sent at the next start."
        ),
        "spool": Explanation(
            "Results cannot be kept for a server that is away.",
            "Disk or permissions.",
            "Set `spool` to another folder.",
        ),
        "notify": Explanation(
            "A notification was not accepted.", "An address of Apprise, or its service.", "Check `urls`."
        ),
        "mqtt": Explanation(
            "The MQTT broker does not accept results.", "Its address, login, certificate or state.", "Check the broker."
        ),
        "sink": Explanation("A sink of the results cannot be opened.", "See the message.", "Check `analyzer.sinks`."),
        "journal": Explanation(
            "The journal of an archive's analysis, or of the inference of an edge node, cannot be used.",
            "Another run writes it, the disk is full, or it is damaged.",
            "Wait for the other run, free some room, or delete it to start again.",
        ),
        "worker_died": Explanation(
            "The process that analyzed a file was killed, also at the second attempt.",
            "Memory ran out, or the decoder crashes on this file.",
            "Use fewer `--jobs`; copy the file again.",
        ),
    },
    "Audio": {
        "audio": Explanation("Audio cannot be read or used.", "See the message.", "Follow the message."),
        "audio_missing": Explanation("There is no such audio file.", "A wrong path.", "Specify an audio file."),
        "audio_empty": Explanation("The file contains no audio.", "It is empty or cut short.", "Record it again."),
        "audio_format": Explanation("The file cannot be decoded.", "It is damaged, or not audio.", "Copy it again."),
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
        "bundle_missing": Explanation(
            "There is no bundle, or one of its files is missing.",
            "A wrong path, or an incomplete copy.",
            "Specify the folder with the manifest, or copy the bundle again.",
        ),
        "bundle_version": Explanation(
            "The bundle has another format.",
            "Another version of Tidzam wrote it.",
            "Export it again, or use that version.",
        ),
        "bundle_manifest": Explanation(
            "The manifest is invalid.", "It was edited or damaged.", "Copy the bundle again."
        ),
        "bundle_checksum": Explanation(
            "A file's checksum differs from the manifest's.",
            "The file was changed or damaged.",
            "Copy the bundle again.",
        ),
        "bundle_files": Explanation(
            "A file is too large, or the network reads a file that the manifest does not list.",
            "An unusual export.",
            "Export the network with its weights inside.",
        ),
        "bundle_engine": Explanation(
            "The network cannot be run.",
            "The engine's file is missing or invalid.",
            "Choose another engine, or export the bundle again.",
        ),
        "bundle_features": Explanation(
            "The network's input does not fit the manifest, or the windows of a cascade differ too much in length.",
            "An export with other features, or a cascade whose longest window is over 100 times its shortest.",
            "Export the bundle again; run classifiers of very different windows in separate analyzers.",
        ),
        "bundle_classes": Explanation(
            "The network's outputs do not fit its classes.", "A wrong export.", "Export the bundle again."
        ),
        "shadow_window": Explanation(
            "A shadow cannot be compared with the live classifiers.",
            "The shortest windows of the two have different lengths.",
            "Use classifiers with windows of the same length; further ones may have longer windows.",
        ),
        "open_set_report": Explanation(
            "Thresholds of a recognizer cannot be changed.",
            "Its bundle does not have the probabilities of test windows, by which it is evaluated.",
            "Train it again, with days for the test.",
        ),
        "bundle_window": Explanation(
            "New classifiers cannot take over while the analyzer runs.",
            "Their windows are too long for the captured audio that it holds.",
            "Restart the analyzer with these classifiers.",
        ),
        "model_output": Explanation(
            "A network has several outputs, or not the one that is chosen.",
            "It returns embeddings beside its scores, for example.",
            "Choose one with --network-output NAME or INDEX.",
        ),
        "bundle_outputs": Explanation(
            "The network's outputs are not probabilities.",
            "Its last layer is not a sigmoid or a softmax.",
            "Train the bundle again.",
        ),
        "bundle_labels": Explanation(
            "A label or the label tree is invalid.",
            "A repeated, unknown or circular parent.",
            "Rename the label, or correct its parent.",
        ),
        "bundle_cascade": Explanation(
            "The bundles do not make a cascade.",
            "There is no selector, or names and classes are repeated or unrelated.",
            "Rename or remove a bundle.",
        ),
        "bundle_embedding": Explanation(
            "The network has no embedding.",
            "It has one layer, or a file that cannot be edited.",
            "Choose another bundle as the base.",
        ),
        "bundle_novelty": Explanation(
            "A bundle does not find unusual sound, or one that does is named as a classifier.",
            "A name in `analyzer.novelty`, or in `nn` or `models`, is that of another kind of bundle.",
            "Name novelty bundles in `analyzer.novelty`, and classifiers in `nn` and `models`.",
        ),
        "bundle_export": Explanation(
            "The exported network differs from the trained one.",
            "Versions of the libraries that do not fit.",
            "Report it, with the versions of tf2onnx, skl2onnx and onnxruntime.",
        ),
        "bundle_write": Explanation(
            "The bundle cannot be written.",
            "The disk is full, or permissions.",
            "Free space, then continue with `--resume`.",
        ),
        "model_missing": Explanation(
            "No model of that name is installed.",
            "A wrong name, or another home.",
            "Choose one of `tidzam models list`, or install it with `tidzam models add`.",
        ),
        "model_exists": Explanation(
            "A model of that name is installed.", "It was added before.", "Choose another `--name`, or use `--replace`."
        ),
        "model_license": Explanation(
            "The license of a model was not accepted.",
            "`--accept-license` is missing.",
            "Read the license, and add the option if you accept it.",
        ),
        "model_download": Explanation(
            "The package with a model cannot be fetched.", "See the message.", "Check the connection, then try again."
        ),
        "model_format": Explanation(
            "The file is not a model that can be imported.",
            "Another format, or a wrong path.",
            "Specify an ONNX, LiteRT or Keras file, or a SavedModel.",
        ),
        "model_code": Explanation(
            "The model contains code.",
            "A Lambda layer, a class of its own, or an operation that touches files.",
            "Build the model without it, and export it again.",
        ),
        "model_range": Explanation(
            "The model knows nothing about the ranges of species.", "It has no range model.", "Use one that has."
        ),
        "init_network": Explanation(
            "The network given with `--init` does not fit.",
            "It has another architecture.",
            "Specify its architecture with `--dnn`.",
        ),
    },
    "Datasets": {
        "dataset": Explanation("A dataset cannot be used.", "See the message.", "Follow the message."),
        "dataset_missing": Explanation("There is no dataset.", "A wrong path.", "Specify the dataset's folder."),
        "dataset_version": Explanation(
            "The dataset has another format.",
            "Another version of Tidzam wrote it.",
            "Compile it again, or use that version.",
        ),
        "dataset_manifest": Explanation(
            "The dataset's manifest is invalid.", "It was edited or damaged.", "Copy or compile the dataset again."
        ),
        "dataset_origins": Explanation(
            "The table of origins is invalid.", "It was edited or damaged.", "Copy or compile the dataset again."
        ),
        "dataset_shard": Explanation(
            "A shard is invalid.", "It was edited or damaged.", "Copy or compile the dataset again."
        ),
        "dataset_features": Explanation(
            "Features do not fit together.",
            "They were compiled with different parameters.",
            "Compile one of the datasets again with the features of the other.",
        ),
        "dataset_labels": Explanation(
            "Labels do not fit together.",
            "A label is unknown, repeated or misplaced.",
            "Rename it, or correct the label tree.",
        ),
        "dataset_classes": Explanation(
            "The data has classes that the network does not know.",
            "Other labels than in training.",
            "Rename them, or count them as background with `--background`.",
        ),
        "dataset_list": Explanation(
            "A table cannot be used.", "A missing column or an invalid row.", "Correct the line that the message names."
        ),
        "dataset_name": Explanation(
            "The dataset's name is invalid.",
            "It contains other characters than allowed.",
            "Use letters, digits and `_.-`.",
        ),
        "dataset_place": Explanation(
            "The folder is not free.",
            "It contains something else.",
            "Specify another folder, or use `--add` or `--replace`.",
        ),
        "dataset_busy": Explanation(
            "The dataset is being written.", "Another process writes it.", "Wait until that process has ended."
        ),
        "dataset_changed": Explanation(
            "The data changed while it was read.", "Another process wrote it.", "Run the command again."
        ),
        "dataset_resume": Explanation(
            "The unfinished run does not match.",
            "It had other inputs or options.",
            "Use the same command, or omit `--resume`.",
        ),
        "dataset_write": Explanation(
            "The dataset cannot be written.",
            "The disk is full, or permissions.",
            "Free space, then continue with `--resume`.",
        ),
        "dataset_empty": Explanation(
            "There are no samples.", "No file could be read, or the dataset is empty.", "Specify readable audio files."
        ),
        "dataset_edit": Explanation("The edit is not possible.", "See the message.", "Follow the message."),
        "dataset_strict": Explanation(
            "A file cannot be read, and `--strict` was given.",
            "It is damaged.",
            "Repair or remove it, or omit `--strict`.",
        ),
        "dataset_unreadable": Explanation(
            "Files cannot be read, and `--strict` was given.", "They are damaged.", "Replace them, or omit `--strict`."
        ),
        "dataset_time": Explanation(
            "The date of a recording is unknown.",
            "Its name contains none.",
            "Name files `NAME-YYYY-MM-DD-HH-MM-SS`, or split by group.",
        ),
        "dataset_small": Explanation(
            "There are too few examples.",
            "More workers than data, or tags that were annotated too rarely.",
            "Start fewer workers, or annotate more.",
        ),
        "dataset_background": Explanation(
            "A recognizer has no counterexamples.",
            "Every training window holds the tag.",
            "Assign days or files to background, or annotate other sounds.",
        ),
    },
    "Training": {
        "loss": Explanation(
            "The loss is not finite.", "Usually a learning rate that is too high.", "Lower `--learning-rate`."
        ),
        "checkpoint": Explanation(
            "A checkpoint cannot be written.",
            "The disk is full, or permissions.",
            "Free space, then continue with `--resume`.",
        ),
        "checkpoint_missing": Explanation(
            "There is no checkpoint.", "The training ended before its first one.", "Train without `--resume`."
        ),
        "checkpoint_other": Explanation(
            "The checkpoint belongs to another network.",
            "Other classes, network or features.",
            "Resume with the same settings.",
        ),
        "resume_other": Explanation(
            "The settings differ from those of the training to be resumed.",
            "Options were changed.",
            "Use the same settings, or start again with `--restart`.",
        ),
        "unfinished": Explanation(
            "The folder contains an unfinished training.",
            "It ended early.",
            "Continue with `--resume`, or start again with `--restart`.",
        ),
        "batch_worker": Explanation(
            "A batch worker was killed.",
            "Probably the out-of-memory killer.",
            "Continue with `--resume` and fewer `--batch-workers`.",
        ),
        "cluster": Explanation(
            "The cluster failed, or its options are wrong.",
            "See the message.",
            "Correct `--ps`, `--workers` or `--scheduler`.",
        ),
        "cluster_unreachable": Explanation(
            "A process of the cluster does not answer.",
            "It was not started, or its address is wrong.",
            "Start it, or correct `--ps`, `--workers` or `--scheduler`.",
        ),
        "cluster_member": Explanation(
            "A process of the cluster ended, or is missing.", "See the message.", "Remove the cause and start it again."
        ),
        "cluster_lost": Explanation(
            "A process of the cluster is gone.",
            "See its log.",
            "Start it again, and continue: training with `--resume`.",
        ),
        "cluster_taken": Explanation(
            "The address or cluster is in use.", "Another training.", "Wait for it, or end it."
        ),
        "cluster_data": Explanation(
            "Workers have different data.",
            "Their files or options differ.",
            "Give all workers the same data and options.",
        ),
        "cluster_version": Explanation(
            "Versions of Tidzam differ.", "A machine was not updated.", "Install one version everywhere."
        ),
    },
}

CODES: Mapping[str, Explanation] = {code: text for group in GROUPS.values() for code, text in group.items()}

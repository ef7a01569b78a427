"""What a source takes of JACK, and whether there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream_manager.jack.capacity import JackResources, SourceDemand, resources_in_use, server_resources, source_demand
from stream_manager.jack.capacity import shortage as find_shortage

PORTS = frozenset({"system:capture_1", "system:playback_1", "player:left"})


def demand(source: str = "pond", channels: int = 30, *suffixes: str, is_captured: bool = False) -> SourceDemand:
    return source_demand(source, channels, suffixes, is_captured=is_captured)


def test_a_source_takes_a_port_per_channel_in_each_of_its_clients() -> None:
    assert demand("pond", 30).resources == JackResources(30, 1)
    assert demand("pond", 30, "ice", "rec").resources == JackResources(90, 3)


def test_a_captured_source_takes_a_client_of_the_analyzer_as_well() -> None:
    assert demand("pond", 2, "ice", is_captured=True).clients == ("pond", "pond-ice", "tidzam-analyzer-pond")


def test_a_sound_card_takes_an_input_per_channel_as_well() -> None:
    assert source_demand("mic", 2, ("ice",), is_captured=False, is_device=True).resources == JackResources(6, 2)


def test_outputs_without_a_jack_client_take_nothing() -> None:
    assert demand("pond", 2, "").resources == JackResources(2, 1)


def test_a_source_without_ports_takes_nothing() -> None:
    assert demand("pond", 0, "ice").resources == JackResources(0, 0)


def test_ports_of_other_programs_are_in_use() -> None:
    assert resources_in_use(PORTS, ()) == JackResources(3, 2)


def test_a_reserved_source_counts_once_whether_its_ports_exist_or_not() -> None:
    lake = demand("lake", 2, "ice")
    present = PORTS | {"lake:out_0", "lake:out_1", "lake-ice:input_1"}
    assert resources_in_use(PORTS, (lake,)) == resources_in_use(present, (lake,)) == JackResources(7, 4)


def test_ports_that_the_source_itself_has_already_do_not_count() -> None:
    wanted = demand("pond", 2, "ice")
    assert resources_in_use({"pond:out_0", "pond-ice:input_1"}, (), wanted) == JackResources(0, 0)


def test_a_shortage_is_stated_with_its_numbers() -> None:
    problem = find_shortage(JackResources(90, 3), JackResources(50, 20), JackResources(127, 250))
    assert problem == "it takes 90 ports and 3 clients; 50 of 127 ports and 20 of 250 clients are in use"


def test_too_many_clients_are_a_shortage_too() -> None:
    assert find_shortage(JackResources(3, 3), JackResources(0, 248), JackResources(2047, 250))


@given(st.integers(16, 4096), st.integers(0, 4096), st.integers(0, 4096))
def test_exactly_what_fits_is_allowed(port_max: int, used: int, wanted: int) -> None:
    lacks = find_shortage(JackResources(wanted, 1), JackResources(used, 1), server_resources(port_max))
    assert (lacks is None) == (used + wanted <= server_resources(port_max).ports)

"""Which tensor of a network is its embedding."""

from tidzam.embeddings.layers import Operation, embedding_tensors, needed


def step(read: str, output: str, *, dense: bool = False, linear: bool = False) -> Operation:
    reads = tuple(read.split())
    return Operation(reads, reads, (output,), dense=dense, linear=linear)


HIDDEN = [step("x", "h", dense=True), step("h", "relu"), step("relu", "logits", dense=True)]


def test_it_is_what_the_last_layer_takes() -> None:
    assert embedding_tensors([*HIDDEN, step("logits", "out")], "out") == ("relu",)


def test_a_linear_layer_on_the_logits_is_part_of_the_last_one() -> None:
    chosen = [step("logits", "moved", linear=True), step("moved", "out", dense=True)]
    assert embedding_tensors([*HIDDEN, *chosen], "out") == ("relu",)


def test_the_members_of_an_ensemble_are_taken_together() -> None:
    members = [step("a", "la", dense=True), step("b", "lb", dense=True), step("la lb", "all", linear=True)]
    hidden = [step("x", "a"), step("x", "b")]
    assert embedding_tensors([*hidden, *members, step("all", "out", dense=True)], "out") == ("a", "b")


def test_branches_on_one_tensor_are_one_embedding() -> None:
    branches = [step("e", "attention", dense=True), step("e", "logits", dense=True)]
    assert embedding_tensors([step("x", "e"), *branches, step("attention logits", "out")], "out") == ("e",)


def test_a_network_without_weights_has_none() -> None:
    assert embedding_tensors([step("x", "out")], "out") == ()


def test_sizes_are_needed_though_no_values_depend_on_them() -> None:
    shape = Operation(("x",), (), ("size",))
    reshape = Operation(("x", "size"), ("x",), ("flat",), linear=True)
    assert needed([shape, reshape, step("flat", "out")], ["flat"]) == [0, 1]

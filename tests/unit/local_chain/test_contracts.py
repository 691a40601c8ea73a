from local_chain.contracts import load_contract
from local_chain.deployment import DEPLOYMENTS

RECEIVER = "0x" + "11" * 20


def test_a_call_begins_with_the_well_known_selector() -> None:
    transfer = load_contract("token").encode_call("transfer", RECEIVER, 5)

    assert transfer.hex() == "a9059cbb" + "00" * 12 + "11" * 20 + f"{5:064x}"


def test_overloads_are_told_apart_by_their_number_of_arguments() -> None:
    collection = load_contract("collection")

    plain = collection.encode_call("safeTransferFrom", RECEIVER, RECEIVER, 1)
    with_data = collection.encode_call("safeTransferFrom", RECEIVER, RECEIVER, 1, b"x")

    assert (plain[:4].hex(), with_data[:4].hex()) == ("42842e0e", "b88d4fde")


def test_the_first_generation_token_declares_bytes32_name_and_symbol() -> None:
    answers = {
        entry["name"]: entry["outputs"][0]["type"]
        for entry in load_contract("bytes32_token").abi
        if entry["type"] == "function" and entry["outputs"]
    }

    assert (answers["name"], answers["symbol"]) == ("bytes32", "bytes32")


def test_the_wrapped_currency_logs_the_events_of_weth9() -> None:
    events = {
        entry["name"]: [(item["type"], item["indexed"]) for item in entry["inputs"]]
        for entry in load_contract("wrapped_native").abi
        if entry["type"] == "event"
    }

    assert events["Deposit"] == [("address", True), ("uint256", False)]
    assert events["Withdrawal"] == [("address", True), ("uint256", False)]


def test_constructor_arguments_follow_the_bytecode() -> None:
    for name, args in DEPLOYMENTS.values():
        contract = load_contract(name)
        creation = contract.encode_creation(*args)
        assert creation.startswith(contract.bytecode)
        assert (len(creation) > len(contract.bytecode)) == bool(args)

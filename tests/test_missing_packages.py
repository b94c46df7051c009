"""Commands that need a package that is not installed say so in one line."""

from dvcodec.cli.text import reason


def test_a_missing_package_is_named_with_the_way_to_install_it() -> None:
    try:
        import a_package_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401
    except ModuleNotFoundError as error:
        said = reason(error)
    assert said == "a_package_that_nobody_has is not installed (install dvcodec[train,eval])"
    assert reason(ModuleNotFoundError("x", name="dvcodec.gone")).startswith("internal error")

"""E-utilities settings from the environment: valid and invalid values, and where the key may go."""

import pytest

from litmine.errors import SettingError
from litmine.sources.entrez.eutils_settings import NCBI_BASE_URL, EutilsSettings, load_eutils_settings

KEY = "0123456789abcdef0123456789abcdef0123"


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LITMINE_EUTILS_URL", "NCBI_API_KEY", "NCBI_EMAIL"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_ncbi_with_three_requests_per_second() -> None:
    settings = load_eutils_settings()
    assert settings == EutilsSettings()
    assert (settings.url, settings.host, settings.per_second) == (NCBI_BASE_URL, "eutils.ncbi.nlm.nih.gov", 3)
    assert not settings.is_loopback


def test_settings_come_from_the_environment_and_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITMINE_EUTILS_URL", "http://localhost:8080/e")
    monkeypatch.setenv("NCBI_API_KEY", f" {KEY}\n")
    monkeypatch.setenv("NCBI_EMAIL", "a@b.org")
    settings = load_eutils_settings(patience=7.0)
    assert settings == EutilsSettings("http://localhost:8080/e", KEY, "a@b.org", patience=7.0)
    assert (settings.host, settings.per_second, settings.is_loopback) == ("localhost:8080", 10, True)
    assert KEY not in repr(settings)


def test_empty_means_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LITMINE_EUTILS_URL", "NCBI_API_KEY", "NCBI_EMAIL"):
        monkeypatch.setenv(name, " ")
    assert load_eutils_settings() == EutilsSettings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LITMINE_EUTILS_URL", "eutils.ncbi.nlm.nih.gov"),
        ("LITMINE_EUTILS_URL", "ftp://example.org/"),
        ("LITMINE_EUTILS_URL", "file:///etc/passwd"),
        ("LITMINE_EUTILS_URL", "http:///eutils/"),
        ("LITMINE_EUTILS_URL", "http://example.org:port/"),
        ("LITMINE_EUTILS_URL", "http://example.org:99999/"),
        ("LITMINE_EUTILS_URL", "http://[example.org/"),
        ("LITMINE_EUTILS_URL", "http://example.org/a b"),
        ("LITMINE_EUTILS_URL", "http://me:secret@example.org/"),
        ("LITMINE_EUTILS_URL", "http://example.org/?api_key=secret"),
        ("LITMINE_EUTILS_URL", "http://example.org/?"),
        ("LITMINE_EUTILS_URL", "http://example.org/#"),
        ("NCBI_API_KEY", "secret with blanks"),
        ("NCBI_API_KEY", "secret\x1b"),
        ("NCBI_API_KEY", "sécret"),
        ("NCBI_EMAIL", "nobody"),
        ("NCBI_EMAIL", "a b@example.org"),
        ("NCBI_EMAIL", "\udcff@example.org"),
    ],
)
def test_the_error_for_an_invalid_value_names_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError, match=variable) as refused:
        load_eutils_settings()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1:8080", "[::1]:80"])
def test_a_key_may_go_to_this_machine_without_tls(host: str) -> None:
    assert EutilsSettings(f"http://{host}/", KEY).is_loopback


@pytest.mark.parametrize("host", ["example.org", "localhost.example.org", "10.0.0.1", "127.0.0.1.example.org"])
def test_a_key_is_never_sent_unencrypted_to_another_machine(host: str) -> None:
    with pytest.raises(SettingError, match="https") as refused:
        EutilsSettings(f"http://{host}/", KEY)
    assert KEY not in str(refused.value)
    assert EutilsSettings(f"https://{host}/", KEY).key == KEY
    assert EutilsSettings(f"http://{host}/").key is None

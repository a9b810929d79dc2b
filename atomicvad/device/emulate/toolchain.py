"""Compilers and QEMU: of the system where it has them, else out of Debian's packages.

Packages are fetched like the recordings, by name and SHA-256, without root; of each, what is needed
here is unpacked into a folder of the cache.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from atomicvad.corpora.debian import cache_folder, fetch, members
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

READY = ".ready"
LONGEST = 600  # seconds that a compiler or an emulator may take


@dataclass(frozen=True)
class Kit:
    """Programs that are needed together.

    Attributes:
        programs: their names here, and the names that a system may have them under.
        install: the packages that somebody with root would install, on Debian and Ubuntu.
        packages: Debian's packages with SHA-256, with the libraries that a small system lacks.
        wanted: the files of them that are unpacked, as a regular expression over their paths.
    """

    programs: dict[str, tuple[str, ...]]
    install: str
    packages: dict[str, str]
    wanted: str


GCC_LIBRARIES = {
    "libgmp10": "187aedef2ed763f425c1e523753b9719677633c7eede660401739e9c893482bd",
    "libisl23": "ebff0b2f8b220c74224197523019366e97ee4770d464bebc48e4865114e4da0e",
    "libmpc3": "d7f79544790e44f9b0c8cb9034a18c58d37f8702a15f32539050718679e52f80",
    "libmpfr6": "37b7a2b4e78890b6a074777f27b96c84f58e81558ba08410c2b6c0ca4a4ad77b",
}
ARM = {
    "binutils-arm-none-eabi": "c8f9da2a434366bfe5a66a8267cb3b1df028f1d95278715050c222b43e1c221c",
    "gcc-arm-none-eabi": "2bbd4f4145e9a3669f58ddab6a3190b768949f07cc444d23e98743d905f83e16",
}
RISCV = {
    "binutils-riscv64-unknown-elf": (
        "e3b54bd849891b1afb83b9751efe671e35d6267ce791ea9b01205b616276021c"
    ),
    "gcc-riscv64-unknown-elf": "6117b2328a58059977e04e9938fffa2016cc88a2dc0ca70d1efeeea0c7b4dace",
}
LLVM = {
    "clang-14": "e66721b4fd2c47aa326a4100d9dfdbd8838e04c17479da560d88ac1aab5ea863",
    "lld-14": "3b77ab0cc30bbba9e874ba57cabc090116ed52d5eebaa043cf1e1412c4523a99",
    "libbsd0": "bb31cc8b40f962a85b2cec970f7f79cc704a1ae4bad24257a822055404b2c60b",
    "libclang-common-14-dev": "838781bfc798bcbdca68516db6546cf83677078efa57851bb957c19e265de7c6",
    "libclang-cpp14": "964b13d74e9aece340cde93fecd2a2f18dd63afcb707a797ce7b39d430a01c46",
    "libedit2": "1cf14abf2716d3279db12d0657a5737cf70074a1e71d3bdf73206625e3c89ce6",
    "libffi8": "6d9f6c25c30efccce6d4bceaa48ea86c329a3432abb360a141f76ac223a4c34a",
    "libicu72": "f7f6f99c6d7b025914df2447fc93e11d22c44c0c8bdd8b6f36691c9e7ddcef88",
    "libllvm14": "cd986403cfe53f47c41b80667f6b344c40fe35de4c5081dad9358b4c77cf64a8",
    "libmd0": "03539fd30c509e27101d13a56e52eda9062bdf1aefe337c07ab56def25a13eab",
    "libxml2": "4460e39dda10a815881374217cde08474747cfa018358cd8612c14b390eff53b",
    "libz3-4": "6221ca25ad5abcfbe1965801029d85a88b4775320384b4b716de8fab7a4d2f7a",
}
QEMU = {
    "libaio1": "d1476e4beab3d85f8a7d31de94c27472711ed3ef399ce70708e24b259426125b",
    "libbpf1": "5e7505ef77ebc84ad0203411e4afdeb8a98f40fb7f78f013aa4dd8710e49f8ed",
    "libcapstone4": "41277f0388184f6e3b9fc02eda3184afbc999314b25b77ed75e8049428bdfe5e",
    "libdaxctl1": "af5f9ffe642ae25301eb88fdb2fa9e3c06dcfc5e131fbcee7575adf0adcc9abb",
    "libelf1": "619add379c606b3ac6c1a175853b918e6939598a83d8ebadf3bdfd50d10b3c8c",
    "libfdt1": "e7312b61267979a58ae1fa9e34746d077707560c955f6455d02a9ff0f8fa7995",
    "libfuse3-3": "bf535cec5e965823fd03199b4029f9e9f3952111eb12824b5d2b96c8cca1a918",
    "libibverbs1": "35054815259fee46173240254246d03b673a5cd5c528aaac96fd15ac428a8d59",
    "libjpeg62-turbo": "95ec30140789a342add8f8371ed018924de51b539056522b66f207b25cba9cad",
    "libkmod2": "af63bbbfc15fbd1f254b15c393b3b95b18b18cc81348fc1b4f1c9c34b4d672d7",
    "libndctl6": "3654dd3a0a05fdc28af8bcd307109ec41a9ea92218bf29816ff467a8c5e7d57f",
    "libnl-3-200": "d1fc3e9eb8e79b4c96b0a64c3d8c9e068ae2f665cab71bd19f417ffd0453a890",
    "libnl-route-3-200": "0fdcc425ae2982788c085c76a7cb0eda3e3db99d41bd1ce56082ee18e9f1e21f",
    "libnuma1": "639e1ab6bd66ead40db8a22c332d7199679fa22db261cac34444eb8eb4c17dda",
    "libpixman-1-0": "9ed75ef81b6b1eba9e1357f8b0ce01d31112b0e07b2b685bee2cf627a8932892",
    "libpmem1": "63ed00821aecdb5537b51b6f378cf571144d02ac3af2f95141bfa0e397359a76",
    "libpng16-16": "940b91d40d51c825de7f7aa133aecff1ffa25a91f12cb6aa6926c9ad55cd640c",
    "librdmacm1": "16b18625834371d023b81477823074ea0d34c478d58dbef3f01107984f47d034",
    "libsasl2-2": "d6f20408e2be92ebd9f5e3b1c1935b075efb3f03abb5f48f7b991a0ad3e2d6a5",
    "libseccomp2": "108fe67957ca7cf9ba51d801118a1b37d404bea7b6e365025cd00779e9eca38d",
    "libslirp0": "e21e19f0e99e57f254162f61416ea82f00cbc6ab9eb6bead4f5a5a8944ede27e",
    "liburing2": "c23077e3640e6cb4b819c134b3f41d5cf21b3edac099654b1b4142c3069a39a3",
    "libvdeplug2": "1ace8e6571009bb4b8e3c5e093609f30f3ffca96578d35d61100f1e73fd2110d",
    "qemu-system-arm": "78c4adf16152bb8ae1994784e966365128cae04d8ae37bc161bb0b6617c17d9c",
}


def _gnu(target: str, packages: dict[str, str]) -> Kit:
    return Kit(
        {name: (f"{target}-{name}",) for name in ("gcc", "ld")},
        f"gcc-{target} binutils-{target}",
        packages | GCC_LIBRARIES,
        rf"usr/bin/{target}-(gcc|as|ld)|usr/lib/gcc/{target}/[^/]+/(cc1|include/.*)",
    )


# Downloads and what is unpacked of them: Arm 53 and 39 MB, RISC-V 42 and 35 MB, WebAssembly 53 and
# 244 MB, QEMU 12 and 49 MB.
KITS = {
    "arm-none-eabi": _gnu("arm-none-eabi", ARM),
    "riscv64-unknown-elf": _gnu("riscv64-unknown-elf", RISCV),
    "wasm32": Kit(
        {"clang": ("clang", "clang-14"), "wasm-ld": ("wasm-ld", "wasm-ld-14")},
        "clang lld",
        LLVM,
        r"usr/lib/llvm-14/bin/(clang|lld)|usr/lib/llvm-14/lib/clang/[^/]+/include/\w+\.h",
    ),
    "qemu": Kit({"qemu": ("qemu-system-arm",)}, "qemu-system-arm", QEMU, "usr/bin/qemu-system-arm"),
}
LIBRARY = re.compile(
    r"(?:usr/)?lib/(?:x86_64-linux-gnu|llvm-14/lib)/(lib[\w+-]+\.so\.\d+|libfdt-[.\d]+\.so)[.\d]*"
)
# What a file is called by, where its name in the package is another (there, a link says so).
OTHER_NAMES = {
    "lld": "wasm-ld",
    "libfdt-1.6.1.so": "libfdt.so.1",
    "libvdeplug.so.4": "libvdeplug.so.2",
    "libvdeplug_mod.so.4": "libvdeplug_mod.so.2",
}


@dataclass(frozen=True)
class Toolchain:
    """Programs of a kit, ready to run.

    Attributes:
        programs: the path of each.
        libraries: a folder of shared libraries that they need; empty for the system's own.
    """

    programs: dict[str, str]
    libraries: str

    def run(self, program: str, *arguments: str | Path, folder: Path | None = None) -> str:
        """Run a program; return what it prints.

        Raises:
            AtomicVADError: it fails; the message has its first complaint.
        """
        path = [self.libraries, os.environ.get("LD_LIBRARY_PATH", "")] if self.libraries else []
        environment = {"LC_ALL": "C"}
        if path:
            environment["LD_LIBRARY_PATH"] = ":".join(part for part in path if part)
        try:
            done = subprocess.run(
                [self.programs[program], *map(str, arguments)],
                cwd=folder,
                env=os.environ | environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            raise AtomicVADError(f"{program}: not finished after {LONGEST} s") from None
        if done.returncode:
            lines = done.stderr.splitlines() or [f"exit code {done.returncode}"]
            reason = next((line for line in lines if "rror:" in line), lines[0])
            raise AtomicVADError(f"{Path(self.programs[program]).name}: {reason}")
        return done.stdout


def host_compiler() -> Toolchain:
    """This computer's C compiler, as ``cc``.

    Raises:
        AtomicVADError: there is none.
    """
    if not (path := shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
        raise AtomicVADError("no C compiler found (cc, gcc or clang); install the package gcc")
    return Toolchain({"cc": path}, "")


def find(name: str) -> Toolchain:
    """The programs of a kit: those of the system, else fetched into the cache.

    Args:
        name: a key of ``KITS``.

    Raises:
        AtomicVADError: not on the system, and not to be fetched; names the packages to install.
    """
    kit = KITS[name]
    found = {
        program: next(filter(None, map(shutil.which, names)), None)
        for program, names in kit.programs.items()
    }
    here = {program: path for program, path in found.items() if path}
    if here.keys() == kit.programs.keys():
        return Toolchain(here, "")
    try:
        return _fetched(name, kit)
    except AtomicVADError as error:
        lacking = ", ".join(program for program, path in found.items() if not path)
        raise AtomicVADError(
            f"{name}: {lacking} not found, and cannot be fetched ({error}); "
            f"install the packages {kit.install}"
        ) from None


def _fetched(name: str, kit: Kit) -> Toolchain:
    """A kit in the cache, unpacked there and tried when it is not ready."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise AtomicVADError("the packages are for Linux on x86-64")
    version = hashlib.sha256(repr((kit, LIBRARY, OTHER_NAMES)).encode()).hexdigest()[:8]
    folder = cache_folder().parent / "toolchains" / f"{name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        ready = (folder / READY).is_file()
        if not ready:
            for package in fetch(kit.packages).values():
                for path, content in members(package):
                    if target := _place(path, kit):
                        _write(folder / target, content)
        programs = {
            program: str(next(path for path in folder.rglob("bin/*") if path.name in names))
            for program, names in kit.programs.items()
        }
        toolchain = Toolchain(programs, str(folder / "lib"))
        if not ready:
            for program in programs:  # a system may lack a library that most have
                toolchain.run(program, "--version")
            _write(folder / READY, b"")
    return toolchain


def _place(path: str, kit: Kit) -> str | None:
    """Where a package's file goes in the folder of a kit; None for what is not needed."""
    if library := LIBRARY.fullmatch(path):
        return f"lib/{OTHER_NAMES.get(library[1], library[1])}"
    if not re.fullmatch(kit.wanted, path):
        return None
    folder, _, name = path.rpartition("/")
    if target := re.fullmatch(r"(.*)-as", name):  # where GCC looks for its assembler
        return f"usr/lib/{target[1]}/bin/as"
    return f"{folder}/{OTHER_NAMES.get(name, name)}"


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
        temporary.chmod(0o755)

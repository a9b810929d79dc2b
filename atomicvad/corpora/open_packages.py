"""The Debian packages of the ``open`` corpus, and who and what in them is on which side."""

# Debian 12; SHA-256 of the packages that the committed numbers were made with.
PACKAGES = {
    "amoebax-data": "e7bc4d55ad15e20decc44f67819c109c42935f2173ed39926aeb3ec502642009",
    "ardentryst": "7a01180285a4acaa980b18118127c60ac0377f4e2bcd69244b1feb7de5fc566f",
    "asc-music": "369f2d396adb8db9003ef73b797d529e284a7764a5ff4b59a50a4c8b9294da5f",
    "asterisk-core-sounds-en-g722": "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806",
    "asterisk-core-sounds-es-g722": "e4e3b4281057d3b81b779298fd6be705f57411513955c518eed1bcaabbd615b8",
    "asterisk-core-sounds-fr-g722": "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0",
    "asterisk-core-sounds-it-g722": "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016",
    "asterisk-core-sounds-ru-g722": "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b",
    "asterisk-moh-opsound-g722": "8d6b39d6f2e8feff54a042c4a25e1b72f3e2478d05ee372c92f77446fa0b1671",
    "caveexpress-data": "b12d0d164ec53c37d37eb9755ac09635bc489ff000351fedeaa75e98cae82390",
    "fillets-ng-data-cs": "3ecef99b9456f1c80c9625c6f2418642b52d58e7167a46bad7a412db17991b14",
    "fillets-ng-data-nl": "afb4443fda9ab507dee578b75be857d121718a1cd6017a474f30e0eb13dc9d10",
    "flight-of-the-amazon-queen": "40c08fd258d6fe95c46c1eaf5e9137f84ba330657995a281bd887c94a560a0f1",
    "hydrogen-data": "d2cc3f281c02efb71f132bd173e95a958d3fede7c5aefcaba6547baf918cff2a",
    "klettres-data": "1186d257a19e84230856baea0b0b1ded8be9195080fcdb2588970b5cd937f5a8",
    "ktuberling-data": "fba44c875bfa31ea488dadd9263e87a4dcaea0bd47d28817f6c0dc6d2af970ed",
    "lincity-ng-data": "8f5e85bd42879abdc7099b035d7a3d7468eceb6b93b52a12270c28f3f3c792f9",
    "lmms-common": "7d9aa55dd05f11edc57104203ee1c350e3e41f8936ab3741da2bb1158fd46c37",
    "minetest-data": "91371dd2bd51cfcd4fa60c138667989a47047dfe1a47f7523b9ad1782d397585",
    "openttd-opensfx": "2898b4677a3caccc4abc08fb4cf83319047b5a04729291deb5c77a8cd713c006",
    "oxygen-sounds": "2230772aea70fb6508a38eeb8fb29f56357d9e00751477fe1954057c41541960",
    "pathological": "83c2c8e91bc2dd0e4fbc162b1123a4760e644bf21e8c5b6c684cd4d2bd8f1b65",
    "qabcs-data": "3484da4cf258e6f3a39a1fc99bbfcaddfd679cff96a8fa792f261ab0a2bf9d86",
    "scorched3d-data": "b0be0a6d561966a62b1f135e0e6f5681c85f12e34ecad5777cb1af9fbcb7f1da",
    "sonic-pi-samples": "25f2312d2fae005e6ad0f4726b8ed3084e776006a5a132083506e960224ac79d",
    "tuxpaint-stamps-default": "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    "ufoai-sound": "0224308c10e1265581d1829f19eaef031175390fd0eafeb4a1d558ac6561ed4e",
    "warzone2100-music": "d3b2c9f90ea5438d45d4aff18339a03ec808e1affa9dac91f7dad61cb15ee64e",
    "wesnoth-1.16-data": "1012b964bd412a6770685e3324ae3b61e176caff7846192d1ee63d55cd621e26",
}

TUXPAINT = dict.fromkeys(["ro", "es", "ru", "fr", "bg", "be"], "training")
TUXPAINT |= dict.fromkeys(["ca", "da"], "validation") | {"el": "testing"}
KTUBERLING = frozenset(
    ["de", "fi", "ga", "gl", "it", "lt", "nds", "nl", "nn", "pt", "sl", "sr", "sv", "uk", "wa"]
)
# Letters and syllables; without the languages of KTuberling, whose speakers may be the same.
KLETTRES = dict.fromkeys(
    ["ar", "cs", "en", "en_GB", "es", "fr", "he", "hu", "ml", "nb", "pt_BR", "ru", "tn"], "training"
) | {"da": "validation"}
# Noises of qabcs that stand for a person or a figure: they may contain voices.
# fmt: off
QABCS_VOICES = frozenset([
    "adjutant", "cheburashka", "chef", "circus", "clown", "dogmatix", "doll", "dunno", "emelya",
    "gamekeeper", "grommet", "iotshin", "ivasyk", "jack", "joker", "ole_lukoje", "prince",
    "pupil", "quiz_game", "robot", "sailorboy", "schooler", "umka", "ursula", "walkie-talkie",
    "x-men", "yaga", "yeti",
])
# fmt: on

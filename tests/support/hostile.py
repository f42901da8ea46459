"""File names as no model should propose them, and some do."""

NAMES = (
    *(
        "../../etc/passwd",
        "..",
        "",
        "CON",
        "con.txt",
        "a\0b",
        "new\nline",
        "😀",
        "x" * 5000,
        "é" * 5000,
        "~/x",
        "C:\\x",
        "-rf",
    ),
    *(
        ".bashrc",
        "\u202egpj.exe",
        "LPT1",
        "COM¹",
        "nul .jpg",
        "a" * 103 + "\u0301",
        "trailing. ",
        "\ud800",
        "name.jpg.json",
    ),
)

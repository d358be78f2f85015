"""What the command that embeds a corpus can be told. It loads nothing, so that its help is there at once."""

from pathlib import Path

from interpret.core.terminal import Parser


def make_parser(prog: str) -> Parser:
    """Return what reads the command's arguments; ``prog`` is what the command is called."""
    parser = Parser(
        prog,
        "Compute the vectors of a file's texts, words or tokens at every layer, and write them as one file.",
        [
            f"{prog} corpus.csv vectors/ --column text --precision bfloat16",
            f"{prog} corpus.txt banks/ --level words --word bank --layers 0,6,-1",
        ],
        "`interpret.load_embeddings(OUT)` opens what is written, without reading it whole. On several GPUs or\n"
        "machines: accelerate launch -m interpret.embeddings CORPUS OUT …, with the same options.\n",
    )
    parser.add_argument("corpus", type=Path, metavar="CORPUS", help="file of texts: .txt .md .csv .tsv .jsonl .json")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; it must not exist")
    group = parser.add_argument_group("texts")
    group.add_argument("--column", metavar="NAME", help="column with the texts (default: told by its name and content)")
    group.add_argument(
        "--level",
        default="texts",
        choices=("texts", "words", "tokens"),
        help="what gets a vector: texts, words, tokens",
    )
    group.add_argument("--word", metavar="WORD", help="with --level words: this word's occurrences only")
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        default="minilm",
        metavar="MODEL",
        help="built-in model, hub id, or folder that save_pretrained wrote",
    )
    group.add_argument("--layers", default="all", metavar="LIST", help="all, or numbers such as 0,6,-1; 0: embeddings")
    group.add_argument(
        "--pooling",
        default="auto",
        choices=("auto", "mean", "cls", "max", "own"),
        help="how a text's tokens become one vector; auto: the model's own way, where it has one",
    )
    group.add_argument("--prompt", metavar="TEXT", help="text put before each text (default: the model's own prompt)")
    group.add_argument("--prompt-name", metavar="NAME", help="the same, by its name in the model's folder")
    group = parser.add_argument_group("device")
    group.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:1")
    group.add_argument(
        "--precision",
        default="auto",
        metavar="TYPE",
        help="auto, float32, bfloat16 or float16; auto: the fastest that hardly changes the vectors",
    )
    return parser

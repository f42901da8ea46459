"""What a refusal is told as: whose it is, what the server said, and what to do about it."""

from tagroll.errors import PhotoError, ServerError
from tagroll.models.server.http import Answer
from tagroll.models.server.refusal import Refusal

LARGER_CONTEXT = (
    "Give the model a larger context, 8192 tokens or more for each request at once "
    "(llama-server -c, LM Studio: Context Length, OLLAMA_CONTEXT_LENGTH)"
)
ENDS = frozenset({Refusal.KEY, Refusal.PAYMENT, Refusal.ADDRESS})
"""Refusals that the next photo meets as well."""
FINAL = frozenset({Refusal.FLAGGED, Refusal.SIZE, Refusal.CONTEXT})
"""Refusals of one photo that another try does not mend."""


def quoted(answer: Answer) -> str:
    """The server's words, behind a message; its status if it has none."""
    return f': "{answer.error}"' if answer.error else f" (status {answer.status})"


def server_error(why: Refusal, answer: Answer, root: str, model: str) -> ServerError:
    """A refusal of all photos."""
    words = quoted(answer)
    through = f", through the proxy {answer.proxy}" if answer.proxy else ""
    match why:
        case Refusal.KEY if answer.status == 401:
            message = f"the model server at {root} rejected the API key{words}"
            hint = "Give it with --api-key or in the environment as TAGROLL_API_KEY"
        case Refusal.KEY:
            message = f"the model server at {root} forbids this{through}{words}"
            hint = "Look at what the key may do (TAGROLL_API_KEY) and which hosts the server allows"
            if answer.proxy:
                hint += "; NO_PROXY=HOST asks it without the proxy"
        case Refusal.PAYMENT:
            message = f"the account at {root} is empty{words}"
            hint = "Pay there, or take a model on your own machine"
        case Refusal.ADDRESS:
            message = f"there is no OpenAI API at {answer.url}{through}{words}"
            hint = "Give the server's base URL with --api-url, such as http://127.0.0.1:1234/v1"
        case _:
            message, hint = f"the model server at {root} has no model {model}{words}", f"Load {model} there"
    return ServerError(message, hint)


def photo_error(why: Refusal, answer: Answer) -> PhotoError:
    """A refusal of one photo."""
    words = quoted(answer)
    match why:
        case Refusal.CONTEXT:
            return PhotoError(f"the picture does not fit into the model's context{words}", LARGER_CONTEXT)
        case Refusal.SIZE:
            hint = "The server or a proxy before it limits the size of requests (nginx: client_max_body_size 20m)"
            return PhotoError(f"the request is too large for the model server{words}", hint)
        case Refusal.FLAGGED:
            hint = "A filter there took offence at this photo; a model on your own machine has none"
            return PhotoError(f"the model server refused the picture{words}", hint)
        case _:
            return PhotoError(f"the model server refused the picture{words}", "See the server's log")

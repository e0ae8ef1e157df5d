"""The cookbook at a DuckDB prompt: SQL that defines the recipes, and the list of their questions."""

from virus_warehouse.cookbook import FOLDER, chapters, recipes
from virus_warehouse.sql_file import read_sql, sql_text


def prompt_sql() -> str:
    """SQL to run at the start of a prompt: after it, `FROM recipe(7)` answers the seventh question."""
    structs = ",\n".join(
        f"{{number: {recipe.number}, name: {sql_text(recipe.name)}, topic: {sql_text(recipe.topic)}, "
        f"question: {sql_text(recipe.question)}, sql: {sql_text(recipe.sql)}}}"
        for recipe in recipes()
    )
    settings = f"SET TimeZone = 'UTC'; SET file_search_path = {sql_text(FOLDER)};"
    return f"{settings}\nSET VARIABLE recipes = [\n{structs}\n];\n{read_sql('cookbook/prompt.sql')}"


def listing() -> str:
    """The questions by topic, and how to run them."""
    lines = [
        "The cookbook: FROM recipe(2);      answers a question",
        "              FROM recipe_sql(2);  shows its SQL",
        "              FROM cookbook;       lists them all again",
        "",
    ]
    for topic, some in chapters():
        lines.append(topic)
        lines.extend(f"{recipe.number:4}  {recipe.question}" for recipe in some)
    return "\n".join((*lines, ""))

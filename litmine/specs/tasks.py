"""The list of all tasks: a task comes after the tasks whose results it reads."""

from litmine.specs.spec import TaskSpec

# References of the built-in models.
BUILTIN, BUILTIN_READER = "builtin", "builtin-reader"

TASKS: tuple[TaskSpec, ...] = (
    TaskSpec(
        name="ner",
        purpose="finds entities",
        table="entities",
        identify="litmine.tasks.ner.model:identify",
        load="litmine.tasks.ner.model:load",
        rows="litmine.tasks.ner.model:entity_rows",
        type_column="entity_type",
        types="litmine.tasks.ner.model:entity_types",
        quotes=(("start_char", "end_char", "mention"),),
        files=(".tsv", ".parquet"),
        architectures=("ForTokenClassification",),
        builtin=BUILTIN,
        recipe="litmine.tasks.ner.recipe:TaggerRecipe",
        recipes="recipes",
        train="litmine.tasks.ner.make:run_training",
        distributed=True,
        evaluation="litmine.tasks.ner.evaluation_settings:TaggerEvaluation",
        evaluate="litmine.tasks.ner.run_evaluation:run_evaluation",
    ),
    TaskSpec(
        name="sentences",
        purpose="finds sentences",
        table="sentences",
        identify="litmine.tasks.sentences.model:identify",
        load="litmine.tasks.sentences.model:load",
        rows="litmine.tasks.sentences.model:sentence_rows",
        builtin="builtin-sentences",
        always=True,
        network=False,
    ),
    TaskSpec(
        name="abbreviations",
        purpose="finds abbreviations",
        table="abbreviations",
        identify="litmine.tasks.abbreviations.model:identify",
        load="litmine.tasks.abbreviations.model:load",
        rows="litmine.tasks.abbreviations.model:abbreviation_rows",
        quotes=(("short_start", "short_end", "short_form"), ("long_start", "long_end", "long_form")),
        builtin="builtin-abbreviations",
        always=True,
        network=False,
    ),
    TaskSpec(
        name="qa",
        purpose="answers questions",
        table="readings",
        logs=("questions", "retrieved"),
        unit="pair",
        identify="litmine.tasks.qa.settings:identify",
        load="litmine.tasks.qa.folder:load_folder",
        quotes=(("start_char", "end_char", "answer"),),
        architectures=("ForQuestionAnswering",),
        builtin=BUILTIN_READER,
        recipe="litmine.tasks.qa.recipe:ReaderRecipe",
        recipes="recipes",
        train="litmine.tasks.qa.make:run_training",
        evaluation="litmine.tasks.qa.evaluation_settings:ReaderEvaluation",
        evaluate="litmine.tasks.qa.run_evaluation:run_evaluation",
    ),
)

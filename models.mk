# `make models`: every built-in model from its corpora (docs/recipes.md). A model is made when its card is there, so the
# command, given again, continues with the first model that has none.

# The folder of corpora, a file of abstracts, the encoder to start from, and the folder of models.
DATA ?= ./corpora
TEXTS ?= ./texts.jsonl.gz
BASE ?= sentence-transformers/all-MiniLM-L6-v2
MODELS ?= build/models
# Options of the first training, such as FIRST="--teachers 0 --pretrain-tokens 0".
FIRST ?=

CARD := README.md
WHOLE := $(MODELS)/whole
TRUNK := $(MODELS)/first/trunk
LOWER := $(MODELS)/first/ner
UPPER := $(MODELS)/upper
TAGGER := $(MODELS)/ner
FIRST_READER := $(MODELS)/first-reader
TOPS := adverse-effects trials classification relations linking
MADE = $(MODELS)/$(1)/$(CARD)

models: $(foreach model,ner $(TOPS) qa,$(call MADE,$(model)))  ## every built-in model; minutes on a GPU, days without

$(WHOLE)/$(CARD): | $(VENV)/installed
	litmine train ner --recipe builtin --base $(BASE) --unlabelled $(TEXTS) $(FIRST) -o $(WHOLE)

$(LOWER)/$(CARD): $(WHOLE)/$(CARD)
	rm -rf $(MODELS)/first
	python -m litmine.tasks.ner.split_tagger $(WHOLE) $(MODELS)/first --layers 3

$(UPPER)/$(CARD): $(LOWER)/$(CARD)
	litmine train ner --recipe upper-layers --base $(LOWER) -o $(UPPER)

$(TAGGER)/$(CARD): $(UPPER)/$(CARD)
	litmine train ner --recipe upper-layers-mean --base $(UPPER) -o $(TAGGER)

$(call MADE,adverse-effects): $(TAGGER)/$(CARD)
	litmine train ner --recipe adverse-effects --base $(TAGGER) --corpus ADE=$(DATA)/adr/ADE-corpus-v2 \
		--corpus PHEE=$(DATA)/adr/PHEE -o $(@D)

$(call MADE,trials): $(TAGGER)/$(CARD)
	litmine train trials --recipe builtin --base $(TAGGER) -o $(@D)

$(call MADE,classification): $(LOWER)/$(CARD)
	litmine train classification --recipe builtin --trunk $(TRUNK) --data-folder $(DATA) -o $(@D)

$(call MADE,relations): $(TAGGER)/$(CARD)
	litmine train relations --recipe builtin --trunk $(TRUNK) --first-layers $(TAGGER) --tagger $(TAGGER) \
		--data-folder $(DATA) -o $(@D)

$(call MADE,linking): $(TAGGER)/$(CARD)
	litmine train linking --recipe builtin-linker --tagger $(TAGGER) --data-folder $(DATA) -o $(@D)

$(FIRST_READER)/$(CARD): | $(VENV)/installed
	litmine train qa --recipe builtin-reader --base $(BASE) --data-folder $(DATA)/qa --unlabelled $(TEXTS) -o $(FIRST_READER)

$(call MADE,qa): $(FIRST_READER)/$(CARD)
	litmine train qa --recipe more-questions --base $(FIRST_READER) --data-folder $(DATA) -o $(@D)

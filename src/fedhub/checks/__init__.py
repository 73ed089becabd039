"""What is wrong with a hub: rules over the Hub object, and how their answers are shown.

Start with `linter.check_hubs`. `rules` holds one module per rule, `report` the formats, `comments`
what silences a rule; `facts` is what several rules ask about a hub.
"""

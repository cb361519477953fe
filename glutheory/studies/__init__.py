"""What the everyday commands compute: one room a study, a record with a text, a JSON form and charts.

The record is in `study`, its text in `text`, its charts in `figure`; the record knows neither. `json_head` begins every
JSON form, and `pairs` names the pairs of networks that are compared.
"""

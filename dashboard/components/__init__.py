"""What is drawn in the browser: a folder for each component, with its Python, JavaScript, style and tests.

Streamlit takes one script for each component, and an exported file has one too: `bundle` makes it of the modules.
"""

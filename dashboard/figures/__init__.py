"""Each figure is a function from a result to a Plotly figure; none knows Streamlit."""

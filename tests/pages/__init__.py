"""Pages of the dashboard, run by Streamlit's AppTest."""

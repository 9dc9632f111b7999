"""The Streamlit app: pages only; what they show comes from analyses and reporting."""

"""What pages share: state, language, figures, components, jobs."""

"""Many runs: definition, plan, execution."""

"""What goes wrong between a detector and us, on purpose: for simulators and replays."""

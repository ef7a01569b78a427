"""The stream manager's view of JACK: ports and connections, room for sources, lost cycles."""

"""Files of cloud prices -> dated rates.  Text becomes integers here, and never a float."""

"""From folders of sound to a bundle. Importing it costs nothing; TensorFlow comes with the first network."""

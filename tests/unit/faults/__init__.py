"""The checker of histories is tried here: it must refuse what is wrong and accept what is right."""

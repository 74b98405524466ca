"""Who is that role right now, how are they reached, what do they see?"""

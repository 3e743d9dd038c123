"""Workers at work for long, some killed now and then: memory and handles stay flat, figures exact (`make soak`)."""

//! What is none of the gate's business passes a FHIR route as if nobody stood there.

// Shows the OpenAPI document in Swagger UI.

const viewer = document.getElementById("viewer");
SwaggerUIBundle({ url: viewer.dataset.document, domNode: viewer, deepLinking: true });

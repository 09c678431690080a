// Shows the OpenAPI document in Swagger UI. Without `validatorUrl: null` it would send the address to another site.

const viewer = document.getElementById("viewer");
SwaggerUIBundle({ url: viewer.dataset.document, domNode: viewer, deepLinking: true, validatorUrl: null });

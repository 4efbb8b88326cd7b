//! Answers that have one of several shapes, for the description.

/// Declares a type that stands in the description for any of these shapes. It is no `oneOf`: a longer shape has all the
/// fields of a shorter one.
macro_rules! any_of {
    ($(#[doc = $doc:literal])+ $name:ident: $($shape:ty),+) => {
        $(#[doc = $doc])+
        pub(in crate::http) struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let reference = |name: std::borrow::Cow<'_, str>| utoipa::openapi::Ref::from_schema_name(name);
                let any = utoipa::openapi::schema::AnyOfBuilder::new()
                    .description(Some([$($doc),+].map(str::trim).join(" ")))
                    $(.item(reference(<$shape as utoipa::ToSchema>::name())))+
                    .build();
                utoipa::openapi::RefOr::T(utoipa::openapi::Schema::AnyOf(any))
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(all: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                $(
                    let name = <$shape as utoipa::ToSchema>::name().into_owned();
                    all.push((name, <$shape as utoipa::PartialSchema>::schema()));
                    <$shape as utoipa::ToSchema>::schemas(all);
                )+
            }
        }
    };
}

pub(in crate::http) use any_of;

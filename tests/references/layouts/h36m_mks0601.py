"""A miniature of Human3.6M as https://github.com/mks0601/3DMPPE_POSENET_RELEASE keeps it.

Followed facts (its data/Human36M/Human36M.py): joints by str(action_idx), str(subaction_idx), str(frame_idx) in world
mm; x_cam = R x_world + t without distortion; bbox = x, y, width, height; images are numbered from 1, frames from 0.
"""

import json

import simplejpeg

ACTION_IDX = {"Directions": 2, "Walking": 14}
CAMERA_IDX = {"54138969": 1, "55011271": 2, "58860488": 3, "60457274": 4}


def write(film, folder):
    for subject in sorted({clip.subject for clip in film.clips}):
        images, people, joints = [], [], {}
        for clip in (clip for clip in film.clips if clip.subject == subject):
            action = ACTION_IDX[clip.action]
            joints.setdefault(str(action), {})[str(clip.subaction)] = {
                str(frame): pose.tolist() for frame, pose in enumerate(clip.poses_mm)
            }
            for camera, cam_idx in CAMERA_IDX.items():
                name = f"s_{int(subject[1:]):02d}_act_{action:02d}_subact_{clip.subaction:02d}_ca_{cam_idx:02d}"
                (folder / "images" / name).mkdir(parents=True)
                for frame, image in enumerate(clip.frames[camera]):
                    file_name = f"{name}/{name}_{frame + 1:06d}.jpg"
                    (folder / "images" / file_name).write_bytes(simplejpeg.encode_jpeg(image, quality=95))
                    left, top, right, bottom = clip.box(camera, frame)
                    images.append(
                        {
                            "id": len(images), "file_name": file_name, "width": image.shape[1],
                            "height": image.shape[0], "subject": int(subject[1:]), "action_name": clip.action,
                            "action_idx": action, "subaction_idx": clip.subaction, "cam_idx": cam_idx,
                            "frame_idx": frame,
                        }
                    )  # fmt: skip
                    box = [left, top, right - left, bottom - top]
                    people.append({"id": len(people), "image_id": images[-1]["id"], "bbox": box})
        cameras = {
            str(cam_idx): {
                "R": film.cameras[name].rot_world_to_cam.tolist(),
                "t": film.cameras[name].trans_mm.tolist(),
                "f": film.cameras[name].intrinsics_px.diagonal()[:2].tolist(),
                "c": film.cameras[name].intrinsics_px[:2, 2].tolist(),
            }
            for name, cam_idx in CAMERA_IDX.items()
        }
        annotations = folder / "annotations"
        annotations.mkdir(exist_ok=True)
        contents = {"data": {"images": images, "annotations": people}, "camera": cameras, "joint_3d": joints}
        for kind, content in contents.items():
            (annotations / f"Human36M_subject{subject[1:]}_{kind}.json").write_text(json.dumps(content))
